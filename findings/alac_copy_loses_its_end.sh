#!/usr/bin/env bash
# ALAC copied by FFmpeg from Matroska to MP4 lacks its last packet in every reader that obeys edit lists.
#
# Guess before the run: -c copy moves packets from one container to another; the copy gives the same
# packets.
# Source: FFmpeg's documentation, "Streamcopy": "Since there is no decoding or encoding, it is very fast
# and there is no quality loss" (https://ffmpeg.org/ffmpeg.html#Streamcopy).
# What happens: Matroska's blocks of ALAC have no durations. MP4 takes each from the next packet's start,
# and the last one's as nought; the track then ends, by its edit list, where the last packet begins.
# The packet is in the file (it is counted) and is not given out: up to 93 ms of sound are lost, and
# `-c copy` back to Matroska loses them for good. FLAC, whose durations can be known, keeps all.
#
# Needs Debian's ffmpeg. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
packets() { ffprobe -v error -select_streams a -show_entries packet=pts_time -of csv=p=0 "$1" | wc -l; }
counted() { ffprobe -v error -select_streams a -show_entries stream=nb_frames -of csv=p=0 "$1"; }
ffmpeg -version | head -n 1
for codec in alac flac; do
    ffmpeg -v error -f lavfi -i sine=440:r=44100 -t 4 -c:a "$codec" "$codec.mkv"
    ffmpeg -v error -i "$codec.mkv" -c copy -strict experimental "$codec.mp4"
    ffmpeg -v error -i "$codec.mp4" -c copy "$codec.back.mkv"
    echo "$codec: $(packets "$codec.mkv") packets in Matroska; in MP4 $(counted "$codec.mp4") counted," \
        "$(packets "$codec.mp4") given out; $(packets "$codec.back.mkv") back in Matroska"
done
[ "$(packets alac.mkv)" = "$(counted alac.mp4)" ] || { echo "the packet is not stored now"; exit 1; }
[ "$(packets alac.mp4)" -lt "$(packets alac.mkv)" ] || { echo "ALAC keeps its end now"; exit 1; }
[ "$(packets alac.back.mkv)" -lt "$(packets alac.mkv)" ] || { echo "the end comes back now"; exit 1; }
[ "$(packets flac.mp4)" = "$(packets flac.mkv)" ] || { echo "FLAC loses packets too"; exit 1; }
