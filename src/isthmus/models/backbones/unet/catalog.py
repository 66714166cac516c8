"""The U-Net (arXiv 1505.04597) as a backbone that gives the feature of every stage."""

from isthmus.registry.families import BackboneFacts, FamilyEntry

ENTRIES = (
    FamilyEntry(
        "UNet",
        "isthmus.models.backbones.unet.family:UNet",
        {"variant": "UNet"},
        facts=BackboneFacts(
            family="unet",
            doc="U-Net of MMSegmentation's form, a feature a stage, the coarsest first; without published weights",
            parameters=39_394_368,
        ),
    ),
)
