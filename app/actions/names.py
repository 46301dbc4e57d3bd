"""Names facial actions, in the order in which every output has them.

The coefficients are those of MediaPipe's face rig under the names of Apple's ARKit, as the network
guesses them from a picture. They are no units of FACS, and nobody has validated them as such.
MediaPipe's `_neutral` is left out, because it is always near 0, and ARKit's `tongueOut` does not
exist there: 51 coefficients remain. Left and right are the subject's.
"""

# Goes with the values wherever a format has room for it.
ACTIONS_NOTE = "coefficients of a face rig, not validated FACS units"
# Each is 0 (not at all) to 1 (as far as the rig goes).
COEFFICIENTS = (
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "eyeLookDownLeft",
    "eyeLookDownRight",
    "eyeLookInLeft",
    "eyeLookInRight",
    "eyeLookOutLeft",
    "eyeLookOutRight",
    "eyeLookUpLeft",
    "eyeLookUpRight",
    "eyeSquintLeft",
    "eyeSquintRight",
    "eyeWideLeft",
    "eyeWideRight",
    "jawForward",
    "jawLeft",
    "jawOpen",
    "jawRight",
    "mouthClose",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthFunnel",
    "mouthLeft",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthPucker",
    "mouthRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "noseSneerLeft",
    "noseSneerRight",
)
# Degrees; `app.actions.head_pose` states axes and signs.
POSE_NAMES = ("head_yaw_deg", "head_pitch_deg", "head_roll_deg")
# `blink` is the mean of both eyeBlink coefficients, 0 to 1. `look_x` and `look_y` say where the
# eyes look in the head, -1 to 1, made of the eyeLook coefficients: positive to the picture's right
# (the subject's left) and up.
EYE_NAMES = ("blink", "look_x", "look_y")
ACTION_NAMES = (*POSE_NAMES, *EYE_NAMES, *COEFFICIENTS)
ACTION_UNITS = {name: "degrees" if name in POSE_NAMES else "" for name in ACTION_NAMES}
