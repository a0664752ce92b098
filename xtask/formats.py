"""Compares what `vizsla extract` reads with what the usual readers of each format read, and prints a table.

usage: formats.py VIZSLA FOLDER [--expect FILE] [--peers [--rounds N] [--tika JARS]]

FOLDER holds files of any formats. Words are compared with pdftotext (PDF), pandoc (DOCX, ODT, EPUB), python-pptx, openpyxl,
xlrd and Python's own email package; a format whose reader is not installed is left out, and the table says so.
--expect checks the files of FOLDER against lines of JSON: {"file", "outcome", "must", "must_not", "where"}.
--peers  indexes FOLDER with Vizsla and with recoll, each in turn, N times (3), and reads it with Tika: by its server,
         given the jar of that, or by Tika.java, given a folder of the jars of its parsers.

Recall and F1 are over words (after NFKC, in lower case, hyphens at line ends joined; one character is a word in Chinese,
Japanese and Korean), order is F1 over sequences of three words: interleaved columns destroy it.
"""

import argparse
import base64
import collections
import json
import os
import pathlib
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import unicodedata
import urllib.request

WORD = re.compile(r"[぀-ヿ㐀-鿿가-힯]|[^\W_぀-ヿ㐀-鿿가-힯]+")
RIGHT_TO_LEFT = re.compile(r"[֐-ࣿ]")


def normal(text):
    text = unicodedata.normalize("NFKC", text).replace("\u00ad", "")
    text = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    for written, plain in (("‘", "'"), ("’", "'"), ("“", '"'), ("”", '"'), ("‐", "-"), ("‑", "-")):
        text = text.replace(written, plain)
    text = re.sub(r"-[ \t]*\n\s*(?=[a-z])", "", text)
    return re.sub(r"\s+", " ", text).lower()


def words(text):
    return WORD.findall(normal(text))


def overlap(ours, theirs):
    """(recall, F1) of two lists as bags."""
    a, b = collections.Counter(ours), collections.Counter(theirs)
    common = sum((a & b).values())
    recall = common / max(1, sum(b.values()))
    precision = common / max(1, sum(a.values()))
    return recall, 2 * recall * precision / max(1e-9, recall + precision)


def triples(list_):
    return list(zip(list_, list_[1:], list_[2:]))


def extract(vizsla, path):
    """(text, problems, records, seconds of processor time) of a file."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = subprocess.run([vizsla, "extract", "--json", path], capture_output=True, timeout=120)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    records = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith(b"{")]
    documents = [record for record in records if "passages" in record]
    problems = [record for record in records if "problem" in record]
    text = "\n".join(passage["text"] for document in documents for passage in document["passages"])
    return text, problems, documents, used


# ---- the usual readers

def output_of(*command):
    ran = subprocess.run(command, capture_output=True, timeout=300)
    return ran.stdout.decode("utf-8", "replace") if ran.returncode == 0 else None


def by_pandoc(path):
    return output_of("pandoc", "--to=plain", "--wrap=none", path)


def by_pptx(path):
    import pptx
    def of(shapes):
        for shape in shapes:
            if shape.shape_type == 6:
                yield from of(shape.shapes)
            if shape.has_text_frame:
                yield shape.text_frame.text
            if getattr(shape, "has_table", False) and shape.has_table:
                yield from (cell.text for row in shape.table.rows for cell in row.cells)
    slides = pptx.Presentation(path).slides
    return "\n".join(text for slide in slides for text in of(slide.shapes))


def by_openpyxl(path):
    import openpyxl
    book = openpyxl.load_workbook(path, data_only=True, read_only=True)
    cells = (value for sheet in book.worksheets for row in sheet.iter_rows(values_only=True) for value in row)
    return "\n".join(value for value in cells if isinstance(value, str) and not value.startswith("#"))


def by_xlrd(path):
    import xlrd
    book = xlrd.open_workbook(path)
    cells = (cell for sheet in book.sheets() for row in sheet.get_rows() for cell in row)
    return "\n".join(cell.value for cell in cells if cell.ctype == xlrd.XL_CELL_TEXT)


def by_email(path):
    import email
    import email.policy
    message = email.message_from_bytes(pathlib.Path(path).read_bytes(), policy=email.policy.default)
    body = message.get_body(("plain",))
    return body.get_content() if body else None


def by_pdftotext(path):
    return output_of("pdftotext", "-enc", "UTF-8", path, "-")


def by_pdftotext_without_repeats(path):
    """Without what repeats, but for its page's number, among the outermost three lines of over half of the pages; it stays
    where it is met first, and where a page has nothing else."""
    pages = [page.splitlines() for page in by_pdftotext(path).removesuffix("\f").split("\f")]
    key = lambda line: re.sub(r"\d+|\b[ivxlc]+\b", "#", " ".join(line.split()))
    outer = []
    for lines in pages:
        full = [i for i, line in enumerate(lines) if line.strip()]
        outer.append({i: key(lines[i]) for i in full[:3] + full[-3:]})
    counts = collections.Counter(said for lines in outer for said in set(lines.values()))
    met, kept = set(), []
    for lines, outermost in zip(pages, outer):
        repeats = {i for i, said in outermost.items() if len(pages) > 3 and counts[said] * 2 > len(pages)}
        is_bare = all(i in repeats or not line.strip() for i, line in enumerate(lines))
        for i, line in enumerate(lines):
            said = outermost.get(i)
            if i not in repeats or (is_bare or said not in met) and said.strip("# "):
                kept.append(line)
            met.add(said)
    return "\n".join(kept)


# The format by its extension, the reader, and how to read by it.
READERS = [
    ("pdf", "pdftotext", by_pdftotext),
    ("pdf", "pdftotext, no running heads", by_pdftotext_without_repeats),
    ("docx", "pandoc", by_pandoc), ("odt", "pandoc", by_pandoc), ("epub", "pandoc", by_pandoc),
    ("pptx", "python-pptx", by_pptx), ("xlsx", "openpyxl", by_openpyxl), ("xls", "xlrd", by_xlrd),
    ("eml", "Python's email", by_email),
]


def compare(vizsla, files):
    """One row for each format: how much of what the usual reader finds is found."""
    print("| format | beside | files | recall mean | F1 mean | F1 median | order | lost |")
    print("|---|---|---|---|---|---|---|---|")
    for format_, reader, read in READERS:
        rows, lost, left_out = [], [], None
        for path in (f for f in files if f.suffix.lower() == f".{format_}"):
            try:
                theirs = read(str(path))
            except ImportError as error:
                left_out = error.name
                break
            except Exception:  # the reader's failure is not ours
                continue
            if not theirs or len(words(theirs)) < 20 or (format_ == "pdf" and RIGHT_TO_LEFT.search(theirs)):
                continue
            theirs = words(theirs)
            text, problems, _, _ = extract(vizsla, str(path))
            ours = words(text)
            if not ours:
                lost.append((path.name, problems[0]["reason"] if problems else "no reason given"))
            recall, f1 = overlap(ours, theirs)
            rows.append((recall, f1, overlap(triples(ours), triples(theirs))[1], path.name))
        if left_out:
            print(f"| {format_} | {reader} | not installed: {left_out} | | | | | |")
            continue
        if not rows:
            continue
        mean = lambda i: statistics.mean(row[i] for row in rows)
        print(f"| {format_} | {reader} | {len(rows)} | {mean(0):.3f} | {mean(1):.3f} | "
              f"{statistics.median(row[1] for row in rows):.3f} | {mean(2):.3f} | {len(lost)} |", flush=True)
        for row in sorted(rows)[:5]:
            print(f"  least: {row[3]} recall {row[0]:.3f}, F1 {row[1]:.3f}", file=sys.stderr)
        for name, reason in lost[:10]:
            print(f"  lost: {name}: {reason}", file=sys.stderr)


def pages(vizsla, files):
    """Pages per second of processor time and peak memory on the largest PDF, beside pdftotext."""
    pdfs = [f for f in files if f.suffix.lower() == ".pdf"]
    if not pdfs or not shutil.which("pdfinfo"):
        return
    largest = max(pdfs, key=lambda f: count_pages(f))
    number = count_pages(largest)
    def timed(*command):
        with tempfile.NamedTemporaryFile() as report:
            subprocess.run(["/usr/bin/time", "-f", "%U %S %M", "-o", report.name, *command],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            user, system, memory = pathlib.Path(report.name).read_text().split()[-3:]
        return float(user) + float(system), int(memory) / 1024
    ours = min(timed(vizsla, "extract", "--json", str(largest)) for _ in range(3))
    theirs = min(timed("pdftotext", str(largest), os.devnull) for _ in range(3))
    print(f"\n{largest.name}, {number} pages: {number / ours[0]:.0f} pages per second of processor time, "
          f"{theirs[0] / ours[0]:.1f} times pdftotext's {number / theirs[0]:.0f}; "
          f"peak memory of a process {ours[1]:.0f} MB, pdftotext's {theirs[1]:.0f} MB")


def count_pages(path):
    found = re.search(r"(?m)^Pages:\s+(\d+)", output_of("pdfinfo", str(path)) or "")
    return int(found.group(1)) if found else 0


# ---- what must be found

def is_right(expected, vizsla, folder):
    path = str(folder / expected["file"])
    start = time.time()
    text, problems, documents, _ = extract(vizsla, path)
    titles = " ".join(document["title"] for document in documents)
    found = normal(f"{text}\n{titles}")
    missing = [phrase for phrase in expected.get("must", []) if normal(phrase) not in found]
    unwanted = [phrase for phrase in expected.get("must_not", []) if normal(phrase) in found]
    misplaced = [phrase for phrase, place in expected.get("where", {}).items()
                 if not is_placed(documents, phrase, place)]
    kinds = {problem["problem"] for problem in problems}
    has_text = bool(words(text))
    outcome = {
        "text": not missing,
        "password": not has_text and "protected" in kinds,
        "no_text": "no_text" in kinds,
        "error_or_partial": bool(problems),
        "text_or_unsupported": (has_text and not missing) or "unsupported" in kinds,
        "bounded": not missing and (has_text or bool(problems)) and time.time() - start < 10,
    }[expected["outcome"]]
    right = outcome and not unwanted and not misplaced
    if not right:
        print(f"  wrong: {expected['file']} ({expected['outcome']}): missing {missing}, unwanted {unwanted}, "
              f"misplaced {misplaced}, problems {sorted(kinds)}")
    return right


def is_placed(documents, phrase, place):
    """Whether the passage with the phrase names all numbers and names of the place."""
    for document in documents:
        for passage in document["passages"]:
            if normal(phrase) in normal(passage["text"]):
                location = next(iter(passage["location"].values()))
                return all(covers(location, name, value) for name, value in place.items())
    return False


def covers(location, name, value):
    if name in ("row", "page", "slide", "cell", "paragraph"):
        return location["first"] <= value <= location["last"]
    return location.get(name) == value


def expect(vizsla, folder, file):
    expected = [json.loads(line) for line in file.read_text().splitlines()]
    expected = [one for one in expected if (folder / one["file"]).exists()]
    right = sum(is_right(one, vizsla, folder) for one in expected)
    print(f"\n{right} of {len(expected)} expected outcomes are right")


# ---- whole folders

def peers(vizsla, folder, tika, rounds):
    sides = {"Vizsla": lambda: with_vizsla(vizsla, folder)}
    if shutil.which("recollindex"):
        sides["recoll"] = lambda: with_recoll(folder)
    if tika:
        sides["Tika"] = lambda: with_tika(tika, folder)
    times = collections.defaultdict(list)
    for round_ in range(rounds):
        for side, run in sides.items():
            before = processor_seconds()
            seconds, lost = run()
            used = processor_seconds() - before
            times[side].append((seconds, used))
            print(f"  round {round_ + 1}: {side} {seconds:.1f} s, {used:.1f} s of processors, {lost} files without text",
                  flush=True)
    medians = {side: [statistics.median(column) for column in zip(*all_)] for side, all_ in times.items()}
    wall, used = medians["Vizsla"]
    for side, (seconds, processors) in medians.items():
        print(f"{side}: median {seconds:.1f} s, {seconds / wall:.2f} times Vizsla's; "
              f"{processors:.1f} s of processors, {processors / used:.2f} times")


def processor_seconds():
    """Of all programs that have been waited for; unlike the time that passed, other work on the machine adds little."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def with_vizsla(vizsla, folder):
    with tempfile.TemporaryDirectory() as home:
        start = time.time()
        ran = subprocess.run([vizsla, "index", folder, "--index", f"{home}/index", "--json"], capture_output=True)
        seconds = time.time() - start
        report = json.loads(ran.stdout)
        return seconds, sum(report[what] for what in ("unread", "without_text", "binary"))


def with_recoll(folder):
    with tempfile.TemporaryDirectory() as home:
        config = pathlib.Path(home, "config")
        config.mkdir()
        config.joinpath("recoll.conf").write_text(f"topdirs = {folder}\nskippedNames =\nidxlogfilename = {home}/log\n")
        start = time.time()
        subprocess.run(["recollindex", "-c", str(config)], capture_output=True,
                       env={**os.environ, "HOME": home, "LC_ALL": "C.UTF-8"})
        seconds = time.time() - start
        # Files whose reader is missing or fails are in the index, too, by their names.
        dump = output_of("recollq", "-c", str(config), "-F", "url dbytes", "-n", "0-10000000", "mime:*") or ""
        # Fields are in base64, this one of "file:///".
        rows = (line.split() for line in dump.splitlines() if line.startswith("ZmlsZTovLy"))
        decoded = ([base64.b64decode(field).decode() for field in row] for row in rows)
        with_text = {url.removeprefix("file://") for url, size in decoded if size != "0"}
        return seconds, sum(1 for f in all_files(folder) if str(f) not in with_text)


def with_tika(tika, folder):
    tika = pathlib.Path(tika)
    ours = ["-cp", f"{tika}/*", str(pathlib.Path(__file__).with_name("Tika.java")), "9911"]
    command = ["java", *ours] if tika.is_dir() else ["java", "-jar", str(tika), "--port", "9911"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen("http://127.0.0.1:9911/version", timeout=1)
                break
            except OSError:
                time.sleep(0.25)
        start, lost = time.time(), 0
        from concurrent.futures import ThreadPoolExecutor
        def read(path):
            request = urllib.request.Request("http://127.0.0.1:9911/tika", data=path.read_bytes(), method="PUT",
                                             headers={"Accept": "text/plain"})
            try:
                return bool(urllib.request.urlopen(request, timeout=120).read().strip())
            except OSError:
                return False
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            lost = sum(not found for found in pool.map(read, all_files(folder)))
        return time.time() - start, lost
    finally:
        server.kill()
        server.wait()


def all_files(folder):
    return [path for path in sorted(pathlib.Path(folder).rglob("*")) if path.is_file()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("vizsla")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--expect", type=pathlib.Path)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--tika")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    if args.expect:
        expect(args.vizsla, args.folder, args.expect)
    elif args.peers:
        peers(args.vizsla, str(args.folder.resolve()), args.tika, args.rounds)
    else:
        files = all_files(args.folder)
        compare(args.vizsla, files)
        pages(args.vizsla, files)


if __name__ == "__main__":
    main()
