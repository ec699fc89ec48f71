"""What a clinic asks of a model, measured on labelled images and written into documents that others can recompute."""
