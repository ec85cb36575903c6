#!/bin/sh
# Makes the clips of the C++ tests with ffmpeg: make_media.sh FOLDER. Each clip NAME becomes NAME.mp4
# (fragmented, a fragment per key frame), NAME-000.ts … (the same packets) and NAME.md5 (what ffmpeg
# itself decodes, one picture a line). Does nothing where they are complete and newer than this file.
set -eu
folder=$1
script=$(readlink -f "$0")
mkdir -p "$folder"
cd "$folder"
[ -e complete ] && [ complete -nt "$script" ] && exit 0
rm -f complete ./*.mp4 ./*.ts ./*.md5

run() { ffmpeg -nostdin -v error -y "$@"; }

# clip NAME SIZE SECONDS encoder options…
clip() {
  name=$1; size=$2; seconds=$3; shift 3
  run -f lavfi -i "testsrc2=size=$size:rate=25:duration=$seconds" "$@" -threads 2 \
    -movflags +frag_keyframe+empty_moov+default_base_moof "$name.mp4"
  run -i "$name.mp4" -map 0:v -c copy -f hls -hls_time 0.1 -hls_list_size 0 \
    -hls_segment_filename "$name-%03d.ts" "$name.m3u8"
  run -flags unaligned -i "$name.mp4" -map 0:v -fps_mode passthrough -f framemd5 "$name.md5"
  rm -f "$name.m3u8"
}

gop="keyint=25:min-keyint=25:scenecut=0"
h264="-c:v libx264 -preset veryfast"
h265="-c:v libx265 -preset veryfast -tag:v hvc1"
quiet="log-level=none"
clip h264-plain   176x144 6 $h264 -pix_fmt yuv420p -x264-params "$gop:bframes=0"
clip h264-b       176x144 6 $h264 -pix_fmt yuv420p -x264-params "$gop:bframes=3:b-adapt=0:b-pyramid=normal"
clip h264-open    176x144 6 $h264 -pix_fmt yuv420p -x264-params "$gop:bframes=3:b-adapt=0:open-gop=1"
# Two groups that begin with an IDR, then open ones.
clip h264-opens   176x144 6 -force_key_frames 0,1,2 -forced-idr 1 $h264 -pix_fmt yuv420p \
  -x264-params "keyint=25:scenecut=0:bframes=3:b-adapt=0:open-gop=1"
clip h264-10bit   176x144 2 $h264 -pix_fmt yuv420p10le -x264-params "$gop:bframes=2"
clip h264-422     176x144 1 $h264 -pix_fmt yuv422p -x264-params "$gop:bframes=0"
clip h264-444     176x144 1 $h264 -pix_fmt yuv444p -x264-params "$gop:bframes=0"
clip h264-odd     171x143 1 $h264 -pix_fmt yuv444p -x264-params "$gop:bframes=0"
clip h264-crop   176x144 2 $h264 -pix_fmt yuv420p -x264-params "$gop:bframes=2:crop-rect=6,10,2,14"
clip h264-vfr     176x144 2 -vf "select='not(eq(mod(n,5),2))'" -fps_mode vfr $h264 -pix_fmt yuv420p \
  -x264-params "keyint=20:min-keyint=20:scenecut=0:bframes=3:b-adapt=0"
clip h264-small   96x64   2 $h264 -pix_fmt yuv420p -x264-params "$gop:bframes=2"
clip h265-closed  176x144 6 $h265 -pix_fmt yuv420p -x265-params "$gop:open-gop=0:bframes=3:$quiet"
clip h265-open    176x144 6 $h265 -pix_fmt yuv420p -x265-params "$gop:open-gop=1:bframes=3:$quiet"
clip h265-layers  176x144 6 $h265 -pix_fmt yuv420p \
  -x265-params "$gop:open-gop=0:bframes=7:b-adapt=0:b-pyramid=1:temporal-layers=1:$quiet"
clip h265-10bit   176x144 2 $h265 -pix_fmt yuv420p10le -x265-params "$gop:open-gop=0:$quiet"
run -f lavfi -i "sine=duration=1" -c:a aac -movflags +frag_keyframe+empty_moov+default_base_moof audio.mp4
: > complete
