"""A small terminal: what the bytes of a program leave on a screen. It knows what `recollect run` writes,
and refuses the rest. Like most terminals it breaks lines anew when its window is made narrower."""
import codecs
import re

CSI = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])")


class Screen:
    def __init__(self, width, rows):
        self.width, self.rows = width, rows
        self.lines = [""]  # of all that was written, the last `rows` of which are seen
        self.row = self.column = 0
        self.wrap = True
        self.colours = set()  # parameters that were met
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, data):
        text = self._rest + self._decoder.decode(data)
        self._rest = ""
        at = 0
        while at < len(text):
            letter = text[at]
            if letter == "\x1b":
                found = CSI.match(text, at)
                if not found:
                    if len(text) - at > 20:
                        raise AssertionError(f"unknown sequence {text[at:at + 20]!r}")
                    self._rest = text[at:]
                    return
                self._control(*found.groups())
                at = found.end()
                continue
            at += 1
            if letter == "\r":
                self.column = 0
            elif letter == "\n":
                self._down()
            elif letter >= " ":
                self._put(letter)
            elif letter not in "\x07\x08":
                raise AssertionError(f"control character {letter!r}")

    def _down(self):
        self.row += 1
        while len(self.lines) <= self.row:
            self.lines.append("")

    def _put(self, letter):
        if self.column >= self.width:
            if not self.wrap:
                self.column = self.width - 1
            else:
                self.column = 0
                self._down()
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[:self.column] + letter + line[self.column + 1:]
        self.column += 1

    def _control(self, private, parameters, final):
        if private:
            if (parameters, final) in (("7", "l"), ("7", "h")):
                self.wrap = final == "h"
            elif parameters != "2004":  # a shell's bracketed paste
                raise AssertionError(f"unknown mode {parameters}{final}")
        elif final == "A":
            top = max(0, len(self.lines) - self.rows)
            self.row = max(top, self.row - int(parameters or 1))
        elif final == "K":
            self.lines[self.row] = self.lines[self.row][:self.column]
        elif final == "J":
            self.lines[self.row] = self.lines[self.row][:self.column]
            del self.lines[self.row + 1:]
        elif final == "m":
            self.colours.add(parameters)
        else:
            raise AssertionError(f"unknown sequence {parameters}{final}")

    def resize(self, width, rows):
        if width < self.width:
            lines = []
            for index, line in enumerate(self.lines):
                if index == self.row:
                    row = len(lines) + self.column // width
                parts = [line[i:i + width] for i in range(0, len(line), width)] or [""]
                lines += parts
            self.lines, self.row = lines, row
            while len(self.lines) <= self.row:
                self.lines.append("")
            self.column %= width
        self.width, self.rows = width, rows

    def text(self):
        return "\n".join(line.rstrip() for line in self.lines).rstrip("\n")
