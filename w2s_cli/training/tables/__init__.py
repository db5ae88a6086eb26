"""The tables of a recipe, as dataclasses; `recipe.Recipe` holds one of each."""

Span = tuple[float, float]
