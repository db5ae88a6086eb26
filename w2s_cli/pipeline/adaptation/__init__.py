"""Train a shipped network further on noisy images without truth, for `w2s adapt`.

No pixel is masked: two images with noise of their own are drawn from each::

    redrawn_noise       photons -> the network's input and the noisy truth
      -> adaptation_patches   patches; squares to validate on, and squares to judge by
      -> training.loop        the training of any other recipe, by the loss `explained`
      -> gain                 whether it is better than the network that ships
      -> adapt                all of it, and what the file says of itself
"""
