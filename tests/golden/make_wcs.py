#!/usr/bin/python3
"""Writes wcs.json: synthetic headers of each projection, pixels, and where they lie on the sky.

Run with Debian's python3-astropy (5.2.1). Astropy's projections are wcslib's and its SIP is its own code;
the DSS plate solutions are computed here from the formulas of STScI's plate astrometry (Guide Star Catalog,
Lasker et al. 1990, AJ 99, 2019), and the sky is ICRS (other frames by astropy.coordinates). What wcslib 7.12 and so
astropy read otherwise than it is meant is computed from an equal header that they read right: `meant` has it.
"""
import json
import math
import pathlib
import warnings

import astropy
import numpy
from astropy.coordinates import FK4, FK5, Galactic, SkyCoord
from astropy.io import fits
from astropy.wcs import WCS

warnings.simplefilter("ignore")


def header(types, centre, cd, size=(400, 300), more=()):
    h = fits.Header()
    h["WCSAXES"] = 2
    for i in (0, 1):
        h[f"CTYPE{i + 1}"] = types[i]
        h[f"CRVAL{i + 1}"] = centre[i]
        h[f"CRPIX{i + 1}"] = (size[i] + 1) / 2 + 3.25 * i
        h[f"CUNIT{i + 1}"] = "deg"
        for j in (0, 1):
            h[f"CD{i + 1}_{j + 1}"] = cd[i][j]
    h["RADESYS"] = "ICRS"
    for key, value in more:
        h[key] = value
    return h


def rotated(arcsec, angle):
    s, a = arcsec / 3600, math.radians(angle)
    return [[-s * math.cos(a), s * math.sin(a)], [s * math.sin(a), s * math.cos(a)]]


def dss_header():
    h = fits.Header()
    for key, value in [
        ("PLATEID", "TEST"), ("PLTSCALE", 67.20), ("PLTRAH", 3), ("PLTRAM", 17), ("PLTRAS", 41.5),
        ("PLTDECSN", "-"), ("PLTDECD", 29), ("PLTDECM", 48), ("PLTDECS", 12.25), ("EQUINOX", 2000.0),
        ("CNPIX1", 8123), ("CNPIX2", 11010), ("XPIXELSZ", 25.28445), ("YPIXELSZ", 25.28445),
        ("PPO1", 0.0), ("PPO2", 0.0), ("PPO3", 177500.0), ("PPO4", 0.0), ("PPO5", 0.0), ("PPO6", 177500.0),
    ]:
        h[key] = value
    amdx = [67.2, 0.02, -310.0, -2e-5, 1.5e-5, 3e-6, 0, 2.2e-6, -6e-8, 2.4e-6, 3e-8, 0, 0]
    amdy = [67.21, -0.021, 287.0, 2.5e-5, -1.7e-5, 8e-6, 0, 2.1e-6, -3e-8, 2.3e-6, -5e-8, 0, 0]
    for i in range(20):
        h[f"AMDX{i + 1}"] = amdx[i] if i < 13 else 0.0
        h[f"AMDY{i + 1}"] = amdy[i] if i < 13 else 0.0
    return h


def dss_sky(h, pixels):
    found = []
    ra0 = math.radians(15 * (h["PLTRAH"] + h["PLTRAM"] / 60 + h["PLTRAS"] / 3600))
    dec0 = -math.radians(h["PLTDECD"] + h["PLTDECM"] / 60 + h["PLTDECS"] / 3600)

    def polynomial(name, a, b):
        c = [h[f"{name}{i}"] for i in range(1, 14)]
        r2 = a * a + b * b
        terms = [a, b, 1, a * a, a * b, b * b, r2, a**3, a * a * b, a * b * b, b**3, a * r2, a * r2 * r2]
        return math.radians(sum(x * y for x, y in zip(c, terms)) / 3600)

    for px, py in pixels:
        x = (h["PPO3"] - (px + h["CNPIX1"] - 0.5) * h["XPIXELSZ"]) / 1000
        y = ((py + h["CNPIX2"] - 0.5) * h["YPIXELSZ"] - h["PPO6"]) / 1000
        xi, eta = polynomial("AMDX", x, y), polynomial("AMDY", y, x)
        t = math.tan(dec0)
        ra = math.atan2(xi / math.cos(dec0), 1 - eta * t)
        dec = math.atan(math.cos(ra) * (eta + t) / (1 - eta * t))
        found.append([math.degrees(ra + ra0) % 360, math.degrees(dec)])
    return numpy.array(found)


sip = [("A_ORDER", 3), ("B_ORDER", 3), ("A_2_0", 2.1e-5), ("A_1_1", -3.4e-6), ("A_0_3", 1.2e-8), ("B_0_2", -1.7e-5),
       ("B_1_1", 6e-6), ("B_3_0", 2e-8)]
tpv = [("PV1_0", 2e-5), ("PV1_1", 1.0002), ("PV1_2", -3e-4), ("PV1_4", 5e-3), ("PV1_7", 0.02), ("PV2_0", -1e-5),
       ("PV2_1", 0.9997), ("PV2_2", 2e-4), ("PV2_5", -4e-3), ("PV2_10", 0.03)]
zpn = [("PV2_1", 1.0), ("PV2_3", -0.12), ("PV2_5", 0.03)]
cases = {
    "TAN": header(("RA---TAN", "DEC--TAN"), (149.6, -11.06), rotated(4.35, 14)),
    "TAN at the pole": header(("RA---TAN", "DEC--TAN"), (12.0, 89.97), rotated(1.7, 0)),
    "SIN": header(("RA---SIN", "DEC--SIN"), (0.02, 33.0), rotated(1.8, -40)),
    "ZPN": header(("RA---ZPN", "DEC--ZPN"), (210.0, 5.0), rotated(60, 5), more=zpn),
    "AIT": header(("RA---AIT", "DEC--AIT"), (120.0, 0.0), rotated(1600, 0)),
    "AIT, Galactic": header(("GLON-AIT", "GLAT-AIT"), (0.0, 0.0), rotated(1600, 0)),
    "TAN-SIP": header(("RA---TAN-SIP", "DEC--TAN-SIP"), (266.4, -28.9), rotated(1.2, 77), more=sip),
    "TPV": header(("RA---TPV", "DEC--TPV"), (30.0, -5.0), rotated(9.3, 1), more=tpv),
    "DSS": dss_header(),
}
for name, centre, arcsec in [("ARC", (80.0, 61.0), 40), ("STG", (300.0, -70.0), 55), ("ZEA", (1.0, 20.0), 90),
                             ("CAR", (250.0, 0.0), 500), ("SFL", (40.0, 0.0), 700), ("MOL", (180.0, 0.0), 1100),
                             ("CEA", (15.0, 0.0), 800)]:
    cases[name] = header((f"RA---{name}", f"DEC--{name}"), centre, rotated(arcsec, 0 if centre[1] == 0 else 25))


def scaled(h, pc):
    """The header with CDELT in the place of a CD matrix, and PC or CROTA2."""
    h = h.copy()
    cd = numpy.array([[h.pop(f"CD{i}_{j}") for j in (1, 2)] for i in (1, 2)])
    size = math.hypot(cd[0, 0], cd[1, 0])
    h["CDELT1"], h["CDELT2"] = -size, size
    if pc:
        for i in (0, 1):
            for j in (0, 1):
                h[f"PC{i + 1}_{j + 1}"] = cd[i, j] / (-size, size)[i]
    else:
        h["CROTA2"] = math.degrees(math.atan2(-cd[0, 1], cd[1, 1]))
    return h


def with_keys(h, **keys):
    h = h.copy()
    for key, value in keys.items():
        h[key] = value
    return h


plane = header(("RA---TAN", "DEC--TAN"), (149.6, -11.06), rotated(4.35, 14))
cases["FK5"] = with_keys(plane, RADESYS="FK5", EQUINOX=2000.0)
cases["FK4"] = with_keys(plane, RADESYS="FK4", EQUINOX=1950.0)
meant = {
    "SCAMP 1": (with_keys(cases["TPV"], CTYPE1="RA---TAN", CTYPE2="DEC--TAN"), cases["TPV"]),
    "TPV with PC": (scaled(cases["TPV"], True), cases["TPV"]),
    "TPV with CROTA2": (scaled(cases["TPV"], False), cases["TPV"]),
    "TAN with PC": (scaled(plane, True), plane),
    "TAN with CROTA2": (scaled(plane, False), plane),
    "PC without CDELT": (plane.copy(), plane),
    "a plate's pixel size": (with_keys(plane, XPIXELSZ=10.0, YPIXELSZ=10.0, PLTSCALE=67.2), plane),
    "fk5": (with_keys(cases["FK5"], RADESYS="fk5"), cases["FK5"]),
    "EQUINOX alone": (with_keys(cases["FK4"]), cases["FK4"]),
}
del meant["EQUINOX alone"][0]["RADESYS"]
for i in (1, 2):
    for j in (1, 2):
        meant["PC without CDELT"][0].rename_keyword(f"CD{i}_{j}", f"PC{i}_{j}")


def icrs(h, name, sky):
    system = h.get("RADESYS", "FK5" if name == "DSS" else "ICRS")
    frame = Galactic if "Galactic" in name else {"FK5": FK5, "FK4": FK4}.get(system)
    if frame is None:
        return sky
    turned = SkyCoord(frame(sky[:, 0] * astropy.units.deg, sky[:, 1] * astropy.units.deg)).icrs
    return numpy.array([turned.ra.deg, turned.dec.deg]).T


pixels = numpy.array([[1.0, 1.0], [400.0, 1.0], [1.0, 300.0], [400.0, 300.0], [200.5, 150.5], [123.25, 77.75], [310.0, 222.5]])
written = []
for name, (h, equal) in ({name: (h, h) for name, h in cases.items()} | meant).items():
    sky = icrs(equal, name, dss_sky(equal, pixels) if name == "DSS" else WCS(equal).all_pix2world(pixels, 1))
    good = numpy.isfinite(sky).all(axis=1)
    cards = [str(card).ljust(80)[:80] for card in h.cards]
    written.append({"name": name, "header": cards, "pixels": pixels[good].tolist(), "sky": sky[good].tolist()})
out = pathlib.Path(__file__).with_name("wcs.json")
out.write_text(json.dumps({"astropy": astropy.__version__, "cases": written}, indent=1) + "\n")
