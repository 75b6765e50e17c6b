#!/bin/bash
# abell-train --task, and abell-classify with such models: several classes, numbers, the class of each pixel. Schedules.
. "$(dirname "$0")/common.sh"

simulated 10 set
cd "$folder" || exit 1
# Every class and number that the truth has: z is known of clusters alone.
awk -F, 'NR == 1 { print "image,class,split,z,flux"; next }
  { print $3 "_images/" $1 ".png," ($2 ~ /-z$/ ? "cluster;" : "") "x" NR % 2 "," $3 "," ($7 > 0 ? $7 : "") "," $9 }' set/truth.csv >set/table.csv
mkdir several && mv set/table.csv several/ && ln -s ../set/train_images ../set/test_images several/
short=(--iterations 2 --batch 4 --validation-fraction 0.3 --optimizer adam --quiet)

# Numbers, in their units, and the same by abell-classify.
expect 0 abell-train several --out numbers --task regress --target z,flux --loss huber "${short[@]}"
[ "$(head -n 1 numbers/history.csv)" = "epoch,loss,mean_absolute_error,val_loss,val_mean_absolute_error,learning_rate,seconds,waited_seconds" ] ||
  fail "wrong header of history.csv of regress"
[ "$(head -n 1 numbers/predictions.csv)" = "id,predicted_z,true_z,predicted_flux,true_flux,masked_pixels" ] ||
  fail "wrong header of predictions.csv of regress"
awk -F, 'NR > 1 && !($2 > -1 && $2 < 2 && ($3 == "" || $3 > 0) && $4 > -1e-12 && $4 < 1e-12 && $5 > 0) { bad = 1 } END { exit bad }' \
  numbers/predictions.csv || fail "predictions are not in the targets' units: $(cat numbers/predictions.csv)"
for key in mae rmse bias r2; do grep -q "\"$key\": " numbers/metrics.json || fail "no $key in metrics.json of regress"; done
grep -q '>predicted<' numbers/report.html || fail "no scatter plot in the report of regress"
grep -q 'Huber' numbers/report.html || fail "the report of regress does not name its loss"
expect 0 abell-classify --model numbers several --out numbers.csv --quiet
[ "$(head -n 1 numbers.csv)" = "id,class,z,flux,masked_pixels,warning,file,cat_split,cat_z,cat_flux" ] || fail "wrong header of a catalogue of numbers"
[ "$(grep ^test_ numbers.csv | cut -d, -f1,3,4)" = "$(tail -n +2 numbers/predictions.csv | cut -d, -f1,2,4)" ] ||
  fail "other numbers than abell-train's"
expect 0 abell-classify --model numbers several --out numbers.fits --quiet
tr -d '\0' <numbers.fits | head -c 8640 | grep -q "TTYPE3  = 'z " || fail "no column z in the FITS catalogue"
expect 0 abell-train several --out numbers --resume --quiet
refused 'the run to resume has loss "huber" (this command "mse")' abell-train several --out numbers --resume --loss mse

# Several classes.
expect 0 abell-train several --out classes --task multilabel "${short[@]}"
[ "$(head -n 1 classes/predictions.csv)" = "id,class,p_cluster,p_x0,p_x1,masked_pixels" ] || fail "wrong header of predictions.csv of multilabel"
[ "$(tail -n +2 classes/predictions.csv | cut -d, -f1,2)" = "$(grep ^test_ several/table.csv | cut -d, -f1,2 | sed "s/\.png,/,/")" ] ||
  fail "predictions.csv has other classes than the table"
for key in '"cluster": {' '"x1": {' '"precision": '; do grep -q "$key" classes/metrics.json || fail "no $key in metrics.json of multilabel"; done
expect 0 abell-classify --model classes several --quiet
[ "$(head -n 1 stdout)" = "id,class,p_cluster,p_x0,p_x1,masked_pixels,warning,file,cat_split,z,flux" ] || fail "wrong header of a catalogue of classes"
[ "$(grep ^test_ stdout | cut -d, -f1-6)" = "$(tail -n +2 classes/predictions.csv)" ] || fail "other probabilities than abell-train's"

# The class of each pixel: bright discs, whose masks augmentation moves with them.
disc() {
  bytes "$(awk -v s="$1" -v r="$2" -v c="$3" -v d="$4" -v i="$5" -v o="$6" \
    'BEGIN { for (y = 0; y < s; ++y) for (x = 0; x < s; ++x) printf "%02x", ((y - r) ^ 2 + (x - c) ^ 2 <= d ^ 2 ? i : o) }')"
}
wcs=(CTYPE1 "'RA---TAN'" CTYPE2 "'DEC--TAN'" CRPIX1 16.5 CRPIX2 16.5 CRVAL1 150.0 CRVAL2 2.0 CDELT1 -0.001 CDELT2 0.001)
mkdir discs
echo image,mask,split >discs/table.csv
for ((i = 0; i < 10; ++i)); do
  where="$((8 + i * 7 % 16)) $((8 + i * 5 % 16)) $((4 + i % 3))"
  disc 32 $where 200 20 | fits discs/image$i.fits "2 32 32" 8 "${wcs[@]}"
  disc 32 $where 1 0 | fits discs/mask$i.fits "2 32 32" 8
  echo image$i.fits,mask$i.fits,$([ $i -ge 8 ] && echo test || echo train) >>discs/table.csv
done
segment=(--task segment --size 16 --epochs 25 --batch 4 --learning-rate 0.003 --validation-fraction 0.3 --quiet)
for threads in 1 2; do
  expect 0 abell-train discs --out maps$threads "${segment[@]}" --threads $threads
done
for file in model.safetensors predictions.csv metrics.json; do same maps1/$file maps2/$file; done
[ "$(head -n 1 maps1/predictions.csv)" = "id,pixel_accuracy,mean_iou,iou_0,iou_1,known_pixels,masked_pixels" ] ||
  fail "wrong header of predictions.csv of segment"
awk -F, 'NR > 1 && !($2 > 0.95 && $3 > 0.75 && $6 == 256) { bad = 1 } END { exit bad }' maps1/predictions.csv ||
  fail "discs are not found: $(cat maps1/predictions.csv)"
grep -q '"mean_iou": 0\.' maps1/metrics.json || fail "no mean_iou in metrics.json"
grep -q 'Results on the test split' maps1/report.html || fail "no results in the report of segment"
for panel in picture truth prediction; do
  grep -q "alt=\"$panel, " maps1/report.html || fail "no $panel in the report of segment"
done
expect 0 abell-classify --model maps1 discs --out discs.csv --quiet
[ "$(head -n 1 discs.csv)" = "id,class,share_0,share_1,masked_pixels,warning,file,map,cat_mask,cat_split" ] || fail "wrong header of a catalogue of maps"
[ "$(ls discs_maps | wc -l)" = 10 ] || fail "expected a map of each object"
cards=$(head -c 2880 "$(sed -n 2p discs.csv | cut -d, -f8)" | fold -w 80)
card() { sed -n "s/^$1 *= *\([^ ]*\).*/\1/p" <<<"$cards"; }
[ "$(card NAXIS) $(card NAXIS1) $(card NAXIS2) $(card NAXIS3) $(card BITPIX)" = "3 16 16 2 -32" ] || fail "a map of another shape: $cards"
# The map's pixels are twice as wide: pixel 16.5 of 32 is 8.5 of 16.
awk -v x="$(card CRPIX1)" -v p="$(card PC1_1)" -v d="$(card CDELT1)" 'BEGIN { exit !(x == 8.5 && p * d < -0.00199 && p * d > -0.00201) }' ||
  fail "wrong sky coordinates of a map: $cards"
mkdir again_maps && touch again_maps/mine
refused "folder is not empty" abell-classify --model maps1 discs --out again.csv
# What fails midway leaves nothing, and what was there as it was.
cp -r discs damaged && head -c 2880 discs/image9.fits >damaged/image9.fits
refused "damaged/image9.fits" abell-classify --model maps1 damaged --out damaged.csv
[ ! -e damaged.csv ] && [ ! -e damaged_maps ] || fail "a catalogue that failed leaves files"
sum_of_maps() { cat discs.csv discs_maps/* | sha256sum; }
before=$(sum_of_maps)
refused "damaged/image9.fits" abell-classify --model maps1 damaged --out discs.csv --overwrite
[ "$(sum_of_maps)" = "$before" ] || fail "a catalogue that failed changes the one before"
expect 0 abell-classify --model maps1 discs --out discs.csv --overwrite --quiet
[ "$(ls discs_maps | wc -l)" = 10 ] || fail "expected a map of each object again"

# A mask that does not fit, and numbers that are none.
disc 16 8 8 4 1 0 | fits discs/mask0.fits "2 16 16" 8
refused "mask0.fits: expected a mask of 32 x 32 pixels (width x height), as its image has, found 16 x 16" \
  abell-train discs --out none "${segment[@]}"
disc 32 8 8 4 255 0 | fits discs/mask0.fits "2 32 32" 8
refused "mask0.fits: expected a mask, the class of each pixel as a whole number from 0 to 254, found 255" \
  abell-train discs --out none "${segment[@]}"
sed 's/mask3.fits//' discs/table.csv >discs/other.csv
refused "discs/other.csv:5: expected a file in column 'mask', found an empty field" \
  abell-train discs/other.csv --out none "${segment[@]}"
sed 's/,[^,]*$/,bright/' several/table.csv | sed '1s/bright/flux/' >several/other.csv
refused "several/other.csv:2: expected a number in column 'flux', or nothing where it is not known, found 'bright'" \
  abell-train several/other.csv --out none --task regress --target flux
refused "expected a column 'mass', found: image, class, split, z, flux" abell-train several --out none --task regress --target mass
mkdir -p folders/train
refused "expected a table with the column 'z'" abell-train folders --out none --task regress --target z
[ ! -e none ] || fail "a refused set leaves a folder"

# Options of another task or schedule; abell-experiment has neither.
for wrong in "--task rank" "--task regress" "--target z" "--task regress --target z,z" "--loss huber" "--size 64" "--task segment --size 60" \
  "--task segment --network custom" "--network unet" "--task regress --target z --network unet" "--task multilabel --positive x0" \
  "--task multilabel --class-weights balanced" "--task segment --label-smoothing 0.1" "--task multilabel --tta" "--label-smoothing 1" \
  "--schedule linear" "--warm-up 5" "--schedule constant --warm-up 5" "--schedule cosine --patience 3" "--clip-norm -1" "--clip-norm nan"; do
  expect 2 abell-train several --out none $wrong
  [ ! -e none ] || fail "wrong options leave a folder: $wrong"
done
expect 2 abell-experiment set --out none --task regress
for model in numbers classes maps1; do
  for wrong in --tta "--positive x" "--out none.reg"; do expect 2 abell-classify --model $model several $wrong; done
done
expect 2 abell-classify --model maps1 discs

# Schedules: the rate rises over the warm-up and falls to the last step, which is the run's own.
expect 0 abell-train several --out cosine --task regress --target flux --schedule cosine --warm-up 2 --clip-norm 0.5 --epochs 3 \
  --batch 4 --learning-rate 0.001 --validation-fraction 0 --quiet
[ "$(tail -n +2 cosine/history.csv | cut -d, -f6 | tr '\n' ' ')" = "5e-04 0.001 5e-04 " ] ||
  fail "wrong rates: $(cut -d, -f6 cosine/history.csv | tr '\n' ' ')"
for value in '"schedule": "cosine"' '"warm_up": 2' '"steps": 6' '"clip_norm": 0.5'; do
  grep -q "$value" cosine/config.json || fail "no $value in config.json"
done
grep -q plateau cosine/config.json && fail "config.json tells of a plateau"
refused "the run to resume has steps 6 (this command 8)" abell-train --out cosine --epochs 4 --resume

expect 0 abell-train --help
for option in task target loss size schedule warm-up clip-norm label-smoothing; do
  grep -q -- "--$option " stdout || fail "no --$option in --help"
done

no_parts "$folder"
echo "$script: passed"
