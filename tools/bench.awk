# SPDX-License-Identifier: Apache-2.0
#
# For tools/bench: raw counts on consoles become the table on standard output and the file `json`.
# Variables: qemu (its version), json. Files: opal.log, one.log, many.log.

# LABEL as it is printed, CASE and ENTRIES as the guest names them, calls of firmware a call, the
# limit, and the peer's figure (0: none). The peer is QEMU with KVM-HV and in-kernel VFIO, mitigations
# off (docs/BENCH.md).
function row(label, key, entries, kills, limit, peer) {
	nrows++
	labels[nrows] = label
	keys[nrows] = key " " entries
	kill_count[nrows] = kills
	limits[nrows] = limit
	peers[nrows] = peer
}

BEGIN {
	row("opcode 0", "none", 0, 0, 250, 2615)
	row("H_PUT_TCE map", "put", 1, 1, 800, 4117)
	row("H_PUT_TCE over another", "put-over", 1, 1, 800, 0)
	row("H_PUT_TCE 0", "put-0", 1, 1, 800, 3953)
	row("H_GET_TCE", "get", 1, 0, 0, 0)
	row("INDIRECT 1", "contiguous", 1, 1, 0, 0)
	row("INDIRECT 8", "contiguous", 8, 1, 0, 0)
	row("INDIRECT 64", "contiguous", 64, 1, 0, 0)
	row("INDIRECT 512 contiguous", "contiguous", 512, 1, 12000, 835178)
	row("INDIRECT 8 scattered", "scattered", 8, 1, 0, 0)
	row("INDIRECT 64 scattered", "scattered", 64, 1, 0, 0)
	row("INDIRECT 512 scattered", "scattered", 512, 1, 12000, 835178)
	row("STUFF 1", "stuff", 1, 1, 0, 0)
	row("STUFF 8", "stuff", 8, 1, 0, 0)
	row("STUFF 64", "stuff", 64, 1, 0, 0)
	row("STUFF 512", "stuff", 512, 1, 2500, 670658)
	# A nanosecond is an instruction, and the timebase has 512 MHz until the guest says otherwise.
	tick = 1e9 / 512e6
}

# Reads key=value words into value[].
function words(   i, pair) {
	delete value
	for (i = 1; i <= NF; i++) {
		if (split($i, pair, "=") == 2) {
			value[pair[1]] = pair[2]
		}
	}
}

function cost() {
	return (value["ticks"] - value["empty"]) * tick / value["calls"]
}

{ sub(/\r$/, "") }
/^bench-opal: / {
	words()
	# What the empty loop called was one instruction, too.
	opal[value["case"]] = cost() + 1
	next
}
/^bench: timebase=/ {
	words()
	tick = 1e9 / value["timebase"]
	bridges = value["bridges"]
	next
}
/^bench: window=.* not-offered: / {
	words()
	place = title(value["window"])
	sub(/^.*not-offered: /, "")
	missing[place] = $0
	next
}
/^bench: window=/ {
	words()
	place = title(value["window"])
	if (!(place in seen)) {
		seen[place] = 1
		places[++nplaces] = place
	}
	figure[place, value["case"] " " value["entries"]] = cost()
}

function title(window) {
	if (window == "2^40") {
		return "a window of 2^40 bytes, " count_of(bridges)
	}
	return window == "first" && bridges == 1 ? "the default window, 1 host bridge" : \
		"the " window " of " count_of(bridges)
}

function count_of(n) {
	return n " host bridge" (n == 1 ? "" : "s")
}

# The first place's figures have limits; the others are held against the first's.
function show(place, first,   i, total, ours, allowed, mark, at, more) {
	printf "\n%-26s %9s %7s %9s %8s %9s %9s%s\n", place == first ? "instructions per call" : "", \
		"total", "OPAL", "ours", "limit", "peer", "peer/us", place == first ? "" : "   to the first"
	for (i = 1; i <= nrows; i++) {
		if (!((place, keys[i]) in figure)) {
			continue
		}
		total = figure[place, keys[i]]
		ours = total - kill_count[i] * opal["kill-pe"]
		printf "%-26s %9.1f %7.1f %9.1f %8s %9s %9s", labels[i], total, \
			kill_count[i] * opal["kill-pe"], ours, limits[i] ? limits[i] : "-", \
			peers[i] ? peers[i] : "-", peers[i] ? sprintf("%.0f", peers[i] / total) : "-"
		allowed = limits[i] * (place == first ? 1 : 1.05)
		mark = limits[i] ? (total <= allowed ? "ok" : "OVER") : ""
		at = ""
		if (place != first) {
			more = (total / figure[first, keys[i]] - 1) * 100
			at = sprintf("%9.1f %%", more > -0.05 && more < 0.05 ? 0 : more)
			if (more > 5) {
				mark = mark " MORE THAN 5 % OVER THE FIRST"
			}
		}
		printf "%s  %s\n", at, mark
		emit(place, i, total, ours)
	}
	slope(place, "contiguous", "INDIRECT, each TCE more", 1626)
	slope(place, "scattered", "  scattered", 1626)
	slope(place, "stuff", "STUFF, each TCE more", 1305)
}

function slope(place, key, label, peer,   each) {
	if ((place, key " 512") in figure) {
		each = (figure[place, key " 512"] - figure[place, key " 64"]) / 448
		printf "%-26s %9.2f %7s %9.2f %8s %9d %9.0f\n", label, each, "-", each, "-", peer, peer / each
	}
}

function emit(place, i, total, ours) {
	printf "%s\n    {\"window\": \"%s\", \"call\": \"%s\", \"entries\": %d, \"total\": %.2f, " \
		"\"opal\": %.2f, \"ours\": %.2f, \"limit\": %s, \"peer\": %s}", emitted++ ? "," : "", place, \
		labels[i], substr(keys[i], index(keys[i], " ") + 1), total, \
		kill_count[i] * opal["kill-pe"], ours, limits[i] ? limits[i] : "null", \
		peers[i] ? peers[i] : "null" >json
}

END {
	printf "QEMU %s, powernv9, -icount shift=0,sleep=off: exact counts from the timebase\n", qemu
	printf "OPAL_PCI_TCE_KILL of a PE: %.1f instructions in firmware\n", opal["kill-pe"]
	printf "{\n  \"unit\": \"instructions per call\",\n  \"qemu\": \"%s\",\n  \"tce_kill\": %.2f,\n" \
		"  \"figures\": [", qemu, opal["kill-pe"] >json
	for (p = 1; p <= nplaces; p++) {
		printf "\n== %s ==", places[p]
		show(places[p], places[1])
	}
	for (place in missing) {
		printf "\n== %s ==\n*** NOT OFFERED: %s\n", place, missing[place]
	}
	printf "\n  ],\n  \"not_offered\": [" >json
	n = 0
	for (place in missing) {
		printf "%s\n    {\"window\": \"%s\", \"why\": \"%s\"}", n++ ? "," : "", place, missing[place] >json
	}
	printf "\n  ]\n}\n" >json
	printf "\n%s has the same\n", json
}
