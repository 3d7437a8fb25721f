"""The table as a picture: for each line weir's CPU per request as a part of nginx's and of HAProxy's, as SVG."""

from html import escape

COLOURS = {"nginx": "#0f8a3c", "haproxy": "#2563c9", "floor": "#8a6d0f"}
NAMES = {"nginx": "nginx", "haproxy": "HAProxy", "floor": "the floor"}
LEFT, WIDTH, BAR, GAP, TOP = 360, 460, 13, 16, 74
STYLE = """text{font:13px system-ui,sans-serif;fill:#1a1a1a}.faint{fill:#666;font-size:12px}.grid{stroke:#ddd}
.whole{stroke:#555;stroke-dasharray:4 3}.whisker{stroke:#1a1a1a;stroke-width:1.2}.mark{stroke:#c02626;stroke-width:2.4}
.paper{fill:#fff}@media(prefers-color-scheme:dark){text{fill:#eee}.faint{fill:#aaa}.grid{stroke:#444}.whole{stroke:#aaa}
.whisker{stroke:#eee}.paper{fill:#1b1b1b}}"""


def picture(result):
    rows, y = [], TOP
    furthest = max((ratio["cpu_us"]["max"] for line in result["lines"] for ratio in line["ratios"].values()
                    if ratio["cpu_us"]), default=1)
    scale = WIDTH / max(1.25, min(furthest, 2.0))

    def x(value):
        return LEFT + min(value * scale, WIDTH)

    for line in result["lines"]:
        told = [(other, ratio["cpu_us"]) for other, ratio in line["ratios"].items() if ratio["cpu_us"]]
        rows.append(f'<text x="{LEFT - 10}" y="{y + BAR * len(told) / 2 + 5:.0f}" text-anchor="end">'
                    f'{escape(line["title"])}</text>')
        for other, ratio in told:
            rows.append(bar(line, other, ratio, x, y))
            y += BAR
        y += GAP
    grid = "".join(f'<line class="{"whole" if tick == 4 else "grid"}" x1="{x(tick / 4):.1f}" x2="{x(tick / 4):.1f}" '
                   f'y1="{TOP - 8}" y2="{y - GAP + 6}"/><text class="faint" x="{x(tick / 4):.1f}" y="{TOP - 12}" '
                   f'text-anchor="middle">{tick / 4:g}</text>' for tick in range(int(4 * WIDTH / scale) + 1))
    shown = [name for name in COLOURS if any(name in line["ratios"] for line in result["lines"])]
    legend = "".join(f'<rect x="{LEFT + 110 * i}" y="34" width="12" height="12" fill="{COLOURS[name]}"/>'
                     f'<text x="{LEFT + 110 * i + 18}" y="45">× {NAMES[name]}</text>' for i, name in enumerate(shown))
    legend += (f'<line class="mark" x1="{LEFT + 336}" x2="{LEFT + 336}" y1="33" y2="47"/>'
               f'<text x="{LEFT + 344}" y="45">to reach</text>')
    total = LEFT + WIDTH + 70
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="{y + 20}" viewBox="0 0 {total} {y + 20}">'
            f'<style>{STYLE}</style><rect class="paper" width="100%" height="100%"/>'
            f'<text x="12" y="22">weir\'s CPU per request, as a part of its peers\' (less is better; '
            f'medians, min–max over {result["rounds"]} interleaved rounds)</text>'
            f'{legend}{grid}{"".join(rows)}'
            f'<text class="faint" x="12" y="{y + 8}">{escape(about(result))}</text></svg>\n')


def bar(line, other, ratio, x, y):
    middle = y + BAR / 2
    out = (f'<rect x="{LEFT}" y="{y + 1}" width="{x(ratio["median"]) - LEFT:.1f}" height="{BAR - 2}" '
           f'fill="{COLOURS[other]}" opacity="0.8"/><line class="whisker" x1="{x(ratio["min"]):.1f}" '
           f'x2="{x(ratio["max"]):.1f}" y1="{middle}" y2="{middle}"/>')
    limit = next((one["limit"] for one in line["marks"] if one["what"] == f"CPU/request × {NAMES[other]}"), None)
    if other == "floor":
        limit = next((one["limit"] for one in line["marks"] if one["what"] == "CPU/request × floor"), None)
    if limit:
        out += f'<line class="mark" x1="{x(limit):.1f}" x2="{x(limit):.1f}" y1="{y}" y2="{y + BAR}"/>'
    return out + f'<text class="faint" x="{x(ratio["max"]) + 5:.1f}" y="{y + BAR - 2}">{ratio["median"]:.2f}</text>'


def about(result):
    told = [result["versions"].get(name, "") for name in ("nginx", "haproxy")]
    return f"{' · '.join(one.split(' - ')[0] for one in told if one)} · kernel {result['kernel']}"
