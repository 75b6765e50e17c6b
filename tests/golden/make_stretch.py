#!/usr/bin/python3
"""Writes stretch_*.npy: intervals, stretches and Lupton colours as astropy.visualization has them.

    python3 make_stretch.py     # needs python3-astropy (5.2)

stretch_image_K       images: sky with stars and NaN, sparse counts, a steep ramp, a constant, three values, one value
stretch_limits        [image, interval, (low, high)], the intervals in the order of INTERVALS
stretch_positions     values from 0 to 1
stretch_curves        [stretch, position], the stretches in the order of STRETCHES
stretch_normalised    image 0 through percentile 2..99.5 and asinh(0.05), and through zscale and log(300)
stretch_bands         red, green, blue
stretch_lupton        [option, row, column, colour], the options in the order of LUPTON, bytes
"""
import json
from pathlib import Path

import astropy
import numpy as np
from astropy import visualization as v

HERE = Path(__file__).resolve().parent

INTERVALS = [
    v.MinMaxInterval(),
    v.ManualInterval(-1.5, 40.25),
    v.PercentileInterval(99.5),
    v.PercentileInterval(50),
    v.AsymmetricPercentileInterval(2, 99.5),
    v.AsymmetricPercentileInterval(0, 100),
    v.ZScaleInterval(),
    v.ZScaleInterval(contrast=0.5),
    v.ZScaleInterval(contrast=1),
]
STRETCHES = [
    v.LinearStretch(), v.SqrtStretch(), v.LogStretch(), v.LogStretch(10), v.AsinhStretch(), v.AsinhStretch(0.01),
    v.AsinhStretch(1), v.PowerStretch(2), v.PowerStretch(0.3),
]
LUPTON = [dict(), dict(minimum=2, stretch=0.5, Q=8), dict(stretch=20, Q=0), dict(minimum=-3, stretch=100, Q=30)]


def save(name, array):
    np.save(HERE / f"stretch_{name}.npy", array)


def images(rng):
    rows, columns = np.mgrid[:53, :47]
    sky = rng.normal(100, 7, (53, 47)) + 0.2 * rows
    for row, column, flux in [(10, 12, 3000), (30, 33, 900), (44, 8, 20000)]:
        sky += flux * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 4.5)
    sky[5, 6] = sky[20, 30:40] = np.nan
    counts = rng.poisson(0.1 + 3 * np.exp(-((rows - 25) ** 2 + (columns - 22) ** 2) / 60))
    ramp = np.arange(2400).reshape(40, 60) ** 3 * 1e-6 - 50
    return [a.astype(np.float32) for a in
            (sky, counts, ramp, np.full((9, 11), 7.25), np.array([[4, 9, 1]]), np.array([[3]]))]


def main():
    rng = np.random.default_rng(5)
    every = images(rng)
    limits = []
    for k, image in enumerate(every):
        save(f"image_{k}", image)
        limits.append([interval.get_limits(image.astype(float)) for interval in INTERVALS])
    save("limits", np.array(limits))
    positions = np.linspace(0, 1, 201)
    save("positions", positions)
    save("curves", np.array([stretch(positions) for stretch in STRETCHES]))
    sky = every[0].astype(float)
    save("normalised", np.array([
        v.AsinhStretch(0.05)(v.AsymmetricPercentileInterval(2, 99.5)(sky)),
        v.LogStretch(300)(v.ZScaleInterval()(sky)),
    ]))
    bands = rng.exponential(6, (3, 17, 19)).astype(np.float32) - 2
    bands[:, 3, 4] = 0
    bands[:, 5] *= 40
    save("bands", bands)
    save("lupton", np.array([v.make_lupton_rgb(*bands.astype(float), **options) for options in LUPTON]))

    versions = json.loads((HERE / "versions.json").read_text())
    versions["astropy"] = astropy.__version__
    (HERE / "versions.json").write_text(json.dumps(versions, indent=2) + "\n")


if __name__ == "__main__":
    main()
