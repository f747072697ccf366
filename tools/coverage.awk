# SPDX-License-Identifier: Apache-2.0
#
# Reads the reasons (tests/coverage.txt) and then what gcov says of every object, and prints what
# tools/coverage promises. For any awk.

function trim(s)
{
	gsub(/^[ \t]+|[ \t]+$/, "", s)
	return s
}

function percent(part, whole)
{
	return whole ? sprintf("%5.1f%%", 100 * part / whole) : "     -"
}

function row(name, lines, lines_hit, branches, branches_hit)
{
	printf "%-26s %6s %4d of %4d   %6s %4d of %4d\n", name, percent(lines_hit, lines), lines_hit,
		lines, percent(branches_hit, branches), branches_hit, branches
}

# A count as gcov writes it: a star says that part of the line was not run, which is its branches' affair.
function times(s)
{
	sub(/\*$/, "", s)
	return s ~ /^[0-9]+$/ ? s + 0 : 0
}

# One finding: its reason if it has one, and the row that gave it is used.
function report(file, line, what,	key, where)
{
	key = file SUBSEP in_function[file, line] SUBSEP text[file, line]
	where = sprintf("%s:%d: %s: %s", file, line, in_function[file, line], text[file, line])
	if (key in reason) {
		used[key] = 1
		excused++
		known = known sprintf("%s\n\t%s: %s\n", where, what, reason[key])
	} else {
		unexcused++
		printf "%s\n\t%s: NO REASON\n", where, what
	}
}

function look_at_line(file, line,	i, n, hit, missed)
{
	lines[file]++
	n = branch_count[file, line]
	branches[file] += n
	if (!ran[file, line]) {
		if (file ~ /^core\//) {
			report(file, line, "line not reached" (n ? ", " n " branches" : ""))
		}
		return
	}
	lines_hit[file]++
	for (i = 0; i < n; i++) {
		if (taken[file, line, i]) {
			hit++
		} else {
			missed = missed " " i + 1
		}
	}
	branches_hit[file] += hit
	if (hit < n && file ~ /^core\//) {
		report(file, line, "of " n " branches not taken:" missed)
	}
}

# The reasons: "- REASON", which may go on in indented lines, then FILE FUNCTION LINE rows that it is for.
NR == FNR {
	if ($0 ~ /^#/ || $0 ~ /^[ \t]*$/) {
		next
	}
	if ($0 ~ /^- /) {
		why = substr($0, 3)
	} else if ($0 ~ /^[ \t]/) {
		why = why " " trim($0)
	} else {
		rest = $0
		sub(/^[^ \t]+[ \t]+[^ \t]+[ \t]+/, "", rest)
		key = $1 SUBSEP $2 SUBSEP trim(rest)
		reason[key] = why
		order[++rows] = key
	}
	next
}

$1 == "function" && $3 == "called" {
	current_function = $2
	next
}

# Their numbers in gcov's output are shared with calls, so they are counted anew on each line.
$1 == "branch" {
	if (at != "") {
		taken[at, nth] += $3 == "taken" ? $4 : 0
		if (++nth > branch_count[at]) {
			branch_count[at] = nth
		}
	}
	next
}

/^ *[^ ]+: *[0-9]+:/ {
	count = $0
	sub(/:.*/, "", count)
	count = trim(count)
	rest = substr($0, index($0, ":") + 1)
	line = rest + 0
	rest = substr(rest, index(rest, ":") + 1)
	if (line == 0) {
		if (rest ~ /^Source:/) {
			file = substr(rest, 8)
			sub(/^\.\//, "", file)
			wanted = file ~ /^(core|dt)\//
			current_function = "-"
		}
		next
	}
	at = ""
	nth = 0
	if (wanted && count != "-") {
		at = file SUBSEP line
		if (!(file in last)) {
			last[file] = 0
			files[++n_files] = file
		}
		last[file] = line > last[file] ? line : last[file]
		code[at] = 1
		ran[at] += times(count)
		text[at] = trim(rest)
		in_function[at] = current_function
	}
}

END {
	for (i = 2; i <= n_files; i++) {
		file = files[i]
		for (j = i - 1; j > 0 && files[j] > file; j--) {
			files[j + 1] = files[j]
		}
		files[j + 1] = file
	}
	for (i = 1; i <= n_files; i++) {
		file = files[i]
		for (line = 1; line <= last[file]; line++) {
			if ((file, line) in code) {
				look_at_line(file, line)
			}
		}
	}
	printf "%s", known
	for (i = 1; i <= rows; i++) {
		if (!(order[i] in used) && reason[order[i]] !~ /^sometimes:/) {
			split(order[i], part, SUBSEP)
			printf "tests/coverage.txt: STALE: %s %s %s\n", part[1], part[2], part[3]
			stale++
		}
	}
	printf "\n%-26s %-21s %s\n", "file", "lines", "branches"
	for (i = 1; i <= n_files; i++) {
		file = files[i]
		row(file, lines[file], lines_hit[file], branches[file], branches_hit[file])
		dir = substr(file, 1, index(file, "/"))
		all[dir, 1] += lines[file]
		all[dir, 2] += lines_hit[file]
		all[dir, 3] += branches[file]
		all[dir, 4] += branches_hit[file]
	}
	print ""
	row("all of dt/", all["dt/", 1], all["dt/", 2], all["dt/", 3], all["dt/", 4])
	row("all of core/", all["core/", 1], all["core/", 2], all["core/", 3], all["core/", 4])
	printf "not reached in core/: %d with a reason, %d without; %d stale reasons\n", excused, unexcused,
		stale
	exit unexcused || stale
}
