#!/usr/bin/env bash
# FFmpeg cuts a subtitle short in MP4 where another one begins, without a message.
#
# Guess before the run: of two cues that overlap, as two people's expressions do, both keep their times in
# MP4, or FFmpeg warns.
# Source: WebVTT lets cues overlap (https://www.w3.org/TR/webvtt1/, section 3.1). 3GPP TS 26.245, which MP4's
# timed text follows, has one sample at a time, so a writer has to show both texts in a sample between.
# What happens: "joy" from 1 s to 4 s and "fear" from 2 s to 3 s become "joy" from 1 s to 2 s and "fear" from
# 2 s to 3 s; the last second has no text. Matroska and WebM keep both. Put expressions of several people
# into these, or leave the .vtt file beside the video.
#
# Needs ffmpeg. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
ffmpeg -version | head -1
printf 'WEBVTT\n\n00:00:01.000 --> 00:00:04.000\njoy\n\n00:00:02.000 --> 00:00:03.000\nfear\n' > two.vtt
ffmpeg -v error -f lavfi -i testsrc=duration=6:size=160x120:rate=25 -pix_fmt yuv420p picture.mkv

back() {  # FILE CODEC: puts the cues into FILE, and shows what it holds
  ffmpeg -v warning -y -i picture.mkv -i two.vtt -map 0:v -map 1:s -c:v copy -c:s "$2" "$1" 2> messages
  ffmpeg -v error -y -i "$1" back.srt
  grep -e '-->' back.srt | tr '\n' ';'
}

for target in "cues.mkv webvtt" "cues.mp4 mov_text"; do
  read -r file codec <<< "$target"
  times=$(back "$file" "$codec")
  echo "$file: $times messages on subtitles: $(grep -ci -e subtitle -e overlap -e mov_text messages || true)"
  case $file in
    cues.mkv) expected='00:00:01,000 --> 00:00:04,000;00:00:02,000 --> 00:00:03,000;' ;;
    *) expected='00:00:01,000 --> 00:00:02,000;00:00:02,000 --> 00:00:03,000;' ;;
  esac
  [ "$times" = "$expected" ] || { echo "this has changed"; exit 1; }
  ! grep -qi -e subtitle -e overlap -e mov_text messages || { echo "this has changed"; exit 1; }
done
