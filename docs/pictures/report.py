"""Makes report.png: the top of the report that a search ended with, in a headless Chromium.

    make demo
    python docs/pictures/report.py studies/digits/report.html

It needs chromium, chromedriver, selenium and Pillow.
"""

from __future__ import annotations

from pathlib import Path
from shutil import which
import sys

from PIL import Image
from selenium import webdriver


PICTURE = Path(__file__).with_suffix(".png")


def photograph(page: Path) -> None:
    options = webdriver.ChromeOptions()
    options.binary_location = which("chromium")
    for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars"):
        options.add_argument(argument)
    browser = webdriver.Chrome(options, webdriver.ChromeService(which("chromedriver")))
    browser.set_window_size(900, 1500)
    browser.get(page.absolute().as_uri())
    browser.save_screenshot(str(PICTURE))
    browser.quit()
    with Image.open(PICTURE) as image:
        image.convert("RGB").quantize(128).save(PICTURE, optimize=True)


if __name__ == "__main__":
    photograph(Path(sys.argv[1]))
