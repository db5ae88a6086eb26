"""Train a shipped network further on noisy images alone, for `w2s adapt`.

No pixel is hidden: two images with noise of their own are drawn from each::

    redrawn    photons -> what is shown and what is asked for
      -> supply   patches; squares to stop by, and squares to judge by
      -> loop     the training of any other recipe, by the loss `explained`
      -> gain     whether it is better than what ships
      -> record   what the file says of itself
"""
