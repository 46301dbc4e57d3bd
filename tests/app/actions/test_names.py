"""The names of facial actions, as every output has them."""

from app.actions.names import ACTION_NAMES, ACTION_UNITS, COEFFICIENTS, POSE_NAMES


def test_the_coefficients_are_those_of_arkit_without_the_tongue_and_without_neutral() -> None:
    assert len(COEFFICIENTS) == len(set(COEFFICIENTS)) == 51
    assert list(COEFFICIENTS) == sorted(COEFFICIENTS)
    assert not {"_neutral", "neutral", "tongueOut"} & set(ACTION_NAMES)
    assert {"jawOpen", "mouthSmileLeft", "eyeBlinkRight", "browInnerUp"} <= set(COEFFICIENTS)


def test_pose_and_eyes_come_first_and_every_name_has_a_unit() -> None:
    assert ACTION_NAMES[:3] == POSE_NAMES
    assert ACTION_NAMES[3:6] == ("blink", "look_x", "look_y")
    assert ACTION_NAMES[6:] == COEFFICIENTS
    assert [name for name in ACTION_NAMES if ACTION_UNITS[name] == "degrees"] == list(POSE_NAMES)
