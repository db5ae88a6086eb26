"""Train on noisy images without any truth.

Noise is independent from pixel to pixel, structure is not. So a network that must give
pixels that it does not get can only fit the structure::

    series              planes in stabilised counts, captures of the same together
      -> noisy_patches  patches, of which `masking` hides a part
      -> training.loop  the training of any other recipe
      -> methods        n2sr, n2v, n2s and n2n, as `w2s restore` knows them

A part of every image is held out of the loss in training: the loss there tells when the
network begins to fit the noise.
"""
