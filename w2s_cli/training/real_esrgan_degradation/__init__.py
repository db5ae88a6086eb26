"""Sharp images, degraded twice: the training examples of Real-ESRGAN [1]_.

A patch goes through blur, a change of size, noise and JPEG; then, more mildly, through
all of it again; then through a low-pass filter, which rings as sharpened images do.
What it is after that is the input, what it was before is the truth. The recipe's table
`real_esrgan` has every share and span; its defaults are the published ones for x2.

What is done otherwise than in the published code:

- Each patch is degraded by itself, with draws of its own. There, a batch shares the
  kind of noise and the sizes, and a queue of 180 patches mixes the batches again.
- Images have one channel: gray and colour noise are the same.
- JPEG is Pillow's, of 8-bit gray, and a quality is a whole number; there it is a
  differentiable imitation in floats.
- Sizes, not factors, place the pixels when a size changes, so that a rounded size moves
  nothing.
- A blur mirrors the image beyond its edge with the pixel at the edge, not without it.

References
----------
.. [1] X. Wang, L. Xie, C. Dong and Y. Shan, "Real-ESRGAN: training real-world blind
   super-resolution with pure synthetic data", ICCV Workshops (2021): section 3.
"""
