"""How strongly tissues weaken the rays: attenuation per mm."""

SOFT = 0.0125
SPONGY = 0.0062  # Bone is what it has beyond soft tissue.
CORTICAL = 0.034
