"""What models are trained with: generated mail, and the training itself (`script/train`)."""
