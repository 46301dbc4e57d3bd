"""Judges how far two records differ, and lists where they do."""

import math
import statistics
from dataclasses import dataclass

from app.episodes.episode import Episode
from tools.readings_difference import MAX_SHIFT_S, NEAR_SHARE, FacePair, ReadingsDifference

MIN_SHARE = 0.99  # of face-frames, for labels, centres, people and faces found again


@dataclass(frozen=True, slots=True)
class Verdict:
    """One figure of a difference. `is_met` None: there is no aim."""

    name: str
    figure: str
    aim: str = ""
    is_met: bool | None = None


def judge_difference(found: ReadingsDifference) -> list[Verdict]:
    """Judges a difference: every figure in words, and whether its aim is met."""
    both = len(found.pairs)
    in_base, in_head = both + len(found.base_only), both + len(found.head_only)
    moved = sorted(pair.moved for pair in found.pairs) or [0.0]
    edge = moved[min(len(moved) - 1, math.ceil(0.95 * len(moved)) - 1)]
    spread = f"median {statistics.median(moved):.2%}, 95 % {edge:.2%}, largest {moved[-1]:.2%}"
    limit = f">= {MIN_SHARE:.0%}"

    def judge_share(name: str, count: int, of: int, more: str = "") -> Verdict:
        figure = f"{count / of:.2%} ({count} of {of})" if of else "no faces"
        return Verdict(name, figure + more, limit, count >= MIN_SHARE * of)

    def judge_none(name: str, count: int, of: int) -> Verdict:
        return Verdict(name, f"{count} of {of}", "0", count == 0)

    episodes = len(found.episodes)
    return [
        Verdict("frames in one of them only", str(found.lone_frames), "0", not found.lone_frames),
        judge_share("faces of the base found again", both, in_base),
        Verdict("faces of the head that the base lacks", f"{len(found.head_only)} of {in_head}"),
        judge_share("the same label", found.same_labels, both),
        judge_share(
            f"centre within {NEAR_SHARE:.0%} of the face's size",
            found.near_centres,
            both,
            f"; {spread}",
        ),
        judge_share(
            "the same person",
            found.identities,
            both,
            f"; the same number {found.same_numbers}; people {found.people[0]}, {found.people[1]}",
        ),
        judge_none("episodes lost", len(found.lost), episodes + len(found.lost)),
        judge_none("episodes gained", len(found.gained), episodes + len(found.gained)),
        judge_none(f"episodes shifted by over {MAX_SHIFT_S:g} s", len(found.shifted), episodes),
    ]


def list_places(found: ReadingsDifference, worst: int) -> list[str]:
    """Lists where records differ: every lost, gained or shifted episode, and up to `worst` lines
    each of runs of frames with another label, faces of one side, and centres farthest apart."""
    lines = [f"lost: {_describe_episode(one)}" for one in found.lost]
    lines += [f"gained: {_describe_episode(one)}" for one in found.gained]
    lines += [
        f"shifted: {_describe_episode(one.base)}, now {one.head.onset_s:.2f} to "
        f"{one.head.offset_s:.2f} s"
        for one in found.shifted
    ]
    unlike = [pair for pair in found.pairs if not pair.is_same_label]
    runs: list[list[FacePair]] = []
    for pair in sorted(unlike, key=lambda one: (one.base.face_id, one.frame)):
        if runs and _follows(runs[-1][-1], pair):
            runs[-1].append(pair)
        else:
            runs.append([pair])
    lines += [
        f"label: frames {run[0].frame} to {run[-1].frame} ({run[0].time_s:.2f} s), person "
        f"{run[0].base.face_id}: {run[0].base.label}, now {run[0].head.label}"
        for run in sorted(runs, key=len, reverse=True)[:worst]
    ]
    for side, lone in (("base", found.base_only), ("head", found.head_only)):
        lines += [
            f"only in {side}: frame {one.frame} ({one.time_s:.2f} s), person {one.face.face_id}, "
            f"{one.face.box_xywh[2]:.0f} px wide, {one.face.label}"
            for one in lone[:worst]
        ]
    lines += [
        f"centre: frame {one.frame} ({one.time_s:.2f} s), person {one.base.face_id}: "
        f"{one.moved:.1%} of the face apart"
        for one in sorted(found.pairs, key=lambda one: -one.moved)[:worst]
        if one.moved > NEAR_SHARE
    ]
    return lines


def _follows(before: FacePair, pair: FacePair) -> bool:
    return (before.base.face_id, before.base.label, before.head.label, before.frame + 1) == (
        *(pair.base.face_id, pair.base.label, pair.head.label),
        pair.frame,
    )


def _describe_episode(one: Episode) -> str:
    return f"{one.label} of person {one.face_id}, {one.onset_s:.2f} to {one.offset_s:.2f} s"
