"""Digits as a pen's ways, points from 0 to 1: what a person would draw."""

LINES = {
    1: ["50,10 50,90"],
    2: ["25,25 45,10 70,25 60,50 20,88 80,88"],
    3: ["25,15 70,15 45,45 75,65 60,90 25,85"],
    4: ["35,10 25,55 75,55", "65,10 62,90"],
    5: ["75,10 30,10 28,45 60,42 75,65 60,88 25,88"],
    6: ["65,8 40,30 30,60 40,85 65,85 70,65 50,50 32,65"],
    7: ["20,15 80,15 40,90"],
    8: ["50,50 30,30 50,10 70,30 50,50 28,72 50,92 72,72 50,50"],
    9: ["70,30 50,10 30,30 50,50 70,30 68,60 55,92"],
}


def _stroke(line):
    return [tuple(int(each) / 100 for each in pair.split(",")) for pair in line.split()]


DIGITS = {digit: [_stroke(line) for line in lines] for digit, lines in LINES.items()}
