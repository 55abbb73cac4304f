"""How encoders are fitted: recipes, films, augmentation, losses, the loop. Imports torch; serving needs none of it."""
