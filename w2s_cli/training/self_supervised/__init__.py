"""Learn from noisy images alone, without any truth.

Noise is independent from pixel to pixel, structure is not. So a network that is asked
for pixels that it does not see can only learn the structure::

    series     planes in stabilised counts, of one place in the order of time
      -> supply    patches, with a part `hiding` from the network
      -> loop      the training of any other recipe
      -> methods   n2sr, n2v, n2s and n2n, as `w2s restore` knows them

A part of every image is never asked for in training: what the network says of it tells
when it begins to learn the noise.
"""
