// SPDX-License-Identifier: Apache-2.0
/*
 * Every test whose outcome is another on QEMU 10's pseries machine, by name: what it is here, what
 * it is there, and why. docs/DIFFERENCES.md is made of this by tools/check-conformance, which
 * gives each word of outcome.h its text.
 */
#ifndef TESTS_GUEST_PAPR_DMA_DIFFERENCES_LIST_H
#define TESTS_GUEST_PAPR_DMA_DIFFERENCES_LIST_H

/* clang-format off */
#define DIFFERENCES(D) \
	D("PUT: address 1 past a page (HC-06)", \
		REFUSED(P), STORED(PAGE(3 * K4 + RW)), "it rounds the address down") \
	D("PUT: address half a page past a page (HC-06)", \
		REFUSED(P), STORED(PAGE(3 * K4 + RW)), "it rounds the address down") \
	D("PUT: address 1 before a page (HC-06)", \
		REFUSED(P), STORED(PAGE(3 * K4 + RW)), "it rounds the address down") \
	D("PUT: the page past the memory (HC-07)", \
		REFUSED(P), STORED(RAM(RW)), "it does not look at what a TCE names") \
	D("PUT: the page past the memory, read only (HC-07)", \
		REFUSED(P), STORED(RAM(TCE_READ)), "it does not look at what a TCE names") \
	D("PUT: the page past the memory, write only (HC-07)", \
		REFUSED(P), STORED(RAM(TCE_WRITE)), "it does not look at what a TCE names") \
	D("PUT: a page of the hypervisor's image (HC-08)", \
		REFUSED(P), STORED(V(0x20010000 + RW)), "it does not look at what a TCE names") \
	D("PUT: a page of OPAL (HC-08)", \
		REFUSED(P), STORED(V(0x30000000 + RW)), "it does not look at what a TCE names") \
	D("PUT: the host's registers of a PHB (HC-08)", \
		REFUSED(P), STORED(V(0x600c3c0000000 + RW)), "it does not look at what a TCE names") \
	D("PUT: the device's own registers (HC-07)", \
		REFUSED(P), STORED(BAR(RW)), "it does not look at what a TCE names") \
	D("PUT: page number with bit 60 set (HC-07)", \
		REFUSED(P), STORED(PAGE(1ull << 60 | RW)), "it does not look at what a TCE names") \
	D("PUT: page number with bit 61 set (HC-07)", \
		REFUSED(P), STORED(PAGE(1ull << 61 | RW)), "it does not look at what a TCE names") \
	D("PUT: page number with bit 62 set (HC-07)", \
		REFUSED(P), STORED(PAGE(1ull << 62 | RW)), "it does not look at what a TCE names") \
	D("PUT: each of the undefined bits 2 to 11, with each access (HC-30)", \
		WORDS("H_PARAMETER"), WORDS("stored"), "it does not look at what a TCE names") \
	D("PUT: page number with bit 63 set (HC-07)", \
		REFUSED(P), STORED(PAGE(1ull << 63 | RW)), "it does not look at what a TCE names") \
	D("PUT: every bit set (HC-30)", \
		REFUSED(P), STORED(V(-1)), "it does not look at what a TCE names") \
	D("PUT: undefined bit 2 set (HC-30)", \
		REFUSED(P), STORED(PAGE(RW + 4)), "it does not look at what a TCE names") \
	D("PUT: undefined bit 7 set, read only (HC-30)", \
		REFUSED(P), STORED(PAGE(TCE_READ + 0x80)), "it does not look at what a TCE names") \
	D("PUT: undefined bit 11 set, write only (HC-30)", \
		REFUSED(P), STORED(PAGE(TCE_WRITE + 0x800)), "it does not look at what a TCE names") \
	D("PUT: no access, a page number (HC-10)", \
		STORED(V(0)), STORED(PAGE(3 * K4)), "it keeps the word as it was given") \
	D("PUT: no access, a page number past the memory (HC-10)", \
		STORED(V(0)), STORED(RAM(0)), "it keeps the word as it was given") \
	D("PUT: no access, undefined bits (HC-10)", \
		STORED(V(0)), STORED(V(0xffc)), "it keeps the word as it was given") \
	D("PUT: from 32-bit mode, high halves ignored", \
		STORED(PAGE(3 * K4 + RW)), REFUSED(P), "emulation does not cut arguments to 32 bits") \
	D("GET: from 32-bit mode, high halves ignored", \
		GIVEN(PAGE(RW)), REFUSED(P), "emulation does not cut arguments to 32 bits") \
	D("GET: address 1 past a page (HC-06)", \
		REFUSED(P), GIVEN(PAGE(RW)), "it rounds the address down") \
	D("INDIRECT: list past the memory", \
		REFUSED(P), STORED(V(0)), "what cannot be read of a list counts as 0") \
	D("INDIRECT: list in OPAL", \
		REFUSED(P), PARTLY(H_SUCCESS), "what cannot be read of a list counts as 0") \
	D("INDIRECT: list at the last page of the address space", \
		REFUSED(P), STORED(V(0)), "what cannot be read of a list counts as 0") \
	D("INDIRECT: list in the device's registers", \
		REFUSED(P), PARTLY(H_SUCCESS), "what cannot be read of a list counts as 0") \
	D("INDIRECT: the sixth entry past the memory (HC-07)", \
		REFUSED(P), PARTLY(H_SUCCESS), "it does not look at what a TCE names") \
	D("INDIRECT: the sixth entry with an undefined bit (HC-30)", \
		REFUSED(P), PARTLY(H_SUCCESS), "it does not look at what a TCE names") \
	D("INDIRECT: the last entry past the memory (HC-07)", \
		REFUSED(P), PARTLY(H_SUCCESS), "it does not look at what a TCE names") \
	D("INDIRECT: the last entry with an undefined bit (HC-30)", \
		REFUSED(P), PARTLY(H_SUCCESS), "it does not look at what a TCE names") \
	D("INDIRECT: passes the end of the window by one (HC-20)", \
		REFUSED(P), PARTLY(P), "it stops half way, and what it has done stays") \
	D("INDIRECT: address 1 past a page (HC-06)", \
		REFUSED(P), STORED(PAGE(8 * K4 + RW)), "it rounds the address down") \
	D("STUFF: passes the end of the window by one", \
		REFUSED(P), PARTLY(P), "it stops half way, and what it has done stays") \
	D("STUFF: passes the end of the window by one after 600", \
		REFUSED(P), PARTLY(P), "it stops half way, and what it has done stays") \
	D("STUFF: a page with access (HC-22)", \
		REFUSED(P), STORED(PAGE(3 * K4 + RW)), "it stores any value") \
	D("STUFF: read permission alone (HC-22)", \
		REFUSED(P), STORED(V(TCE_READ)), "it stores any value") \
	D("STUFF: write permission alone (HC-22)", \
		REFUSED(P), STORED(V(TCE_WRITE)), "it stores any value") \
	D("STUFF: no access, a page number (HC-10)", \
		STORED(V(0)), STORED(PAGE(3 * K4)), "it keeps the word as it was given") \
	D("INDIRECT: from 32-bit mode, high halves ignored", \
		STORED(PAGE(8 * K4 + RW)), REFUSED(P), \
		"emulation does not cut arguments to 32 bits") \
	D("STUFF: from 32-bit mode, high halves ignored", \
		STORED(V(0)), REFUSED(P), "emulation does not cut arguments to 32 bits") \
	D("STUFF: address 1 past a page (HC-06)", \
		REFUSED(P), STORED(V(0)), "it rounds the address down") \
	D("PUT_TERM: terminal with bit 32 set", \
		REFUSED(P), NOT_HERE, "it takes the low half of the number") \
	D("RTAS: buffer whose header passes the memory (RT-01)", \
		BAD_CALL, NOT_HERE, "it does not look at the address") \
	D("RTAS: buffer at the end of the address space (RT-01)", \
		BAD_CALL, NOT_HERE, "it does not look at the address") \
	D("RTAS: buffer not on a cell (RT-01)", \
		BAD_CALL, NOT_HERE, "it does not look at the address") \
	D("RTAS: 17 arguments (RT-02)", \
		BAD_CALL, STATUS(-1), "it does not look at the counts; the service does") \
	D("RTAS: 17 results (RT-02)", \
		BAD_CALL, STATUS(-1), "it does not look at the counts; the service does") \
	D("RTAS: 15 arguments and 2 results (RT-02)", \
		BAD_CALL, STATUS(-1), "it does not look at the counts; the service does") \
	D("RTAS: 0x3fffffff arguments (RT-02)", \
		BAD_CALL, NOT_HERE, "it does not look at the counts") \
	D("RTAS: 0x40000000 arguments, the length wraps (RT-02)", \
		BAD_CALL, NOT_HERE, "it does not look at the counts") \
	D("RTAS: 2^32 - 1 arguments and 2 results, the sum wraps (RT-02)", \
		BAD_CALL, NOT_HERE, "it does not look at the counts") \
	D("RTAS: 2^32 - 1 results (RT-02)", \
		BAD_CALL, NOT_HERE, "it does not look at the counts") \
	D("RTAS: no results (RT-06)", \
		SILENT, STATUS(-1), "the service wants its counts exactly") \
	D("RTAS: a reserved bit of the address (RT-09)", \
		STATUS(-1), NOT_HERE, "it does not look at these bits") \
	D("RTAS: 16 arguments and no result (RT-02)", \
		SILENT, STATUS(-1), "the service wants its counts exactly") \
	D("RTAS: 16 arguments and 1 result (RT-02)", \
		BAD_CALL, STATUS(-1), "it does not look at the counts; the service does") \
	D("RTAS: buffer 4 GiB above ours (RT-01)", \
		BAD_CALL, NOT_HERE, "it does not look at the address") \
	D("RTAS: buffer whose last result is past the memory (RT-04)", \
		WORDS("H_PARAMETER, nothing written"), NOT_HERE, "it does not look at the address") \
	D("RTAS: write whose result is past the memory does not write (RT-04)", \
		WORDS("H_PARAMETER, nothing written"), NOT_HERE, "it does not look at the address") \
	D("MSI: a register for a function (RT-09)", \
		STATUS(-3), NOT_HERE, "it grants vectors for each value of these bits anew") \
	D("source: a register for a function (RT-09)", \
		STATUS(-3), STATUS(-1), "it does not look at these bits") \
	D("MSI: three arguments (RT-05)", \
		STATUS(-3), NOT_HERE, "it does not look at the counts") \
	D("MSI: seven arguments", \
		STATUS(-3), NOT_HERE, "it does not look at the counts") \
	D("MSI: two results (RT-06)", \
		STATUS(-3), NOT_HERE, "it does not look at the counts") \
	D("source: three arguments (RT-05)", \
		STATUS(-3), STATUS(-1), "it does not look at the counts") \
	D("query: a function that is not there (DW-01)", \
		STATUS(-3), ANSWERED, "windows are the bridge's, whatever function is named") \
	D("query: a register for a function (DW-01)", \
		STATUS(-3), ANSWERED, "windows are the bridge's, whatever function is named") \
	D("query: no results (RT-06)", \
		SILENT, STATUS(-3), "the service wants its counts exactly") \
	D("create: a function that is not there (DW-01)", \
		STATUS(-3), ANSWERED, "windows are the bridge's, whatever function is named") \
	D("create: a register for a function (DW-01)", \
		STATUS(-3), ANSWERED, "windows are the bridge's, whatever function is named") \
	D("create: pages of 2^76, which is 12 when cut to six bits (DW-02)", \
		STATUS(-3), NOT_HERE, "it shifts by more than a word has bits") \
	D("create: pages of 2^80, which is 16 when cut to six bits (DW-02)", \
		STATUS(-3), NOT_HERE, "it shifts by more than a word has bits") \
	D("create: a window of 2^64 (DW-02)", \
		STATUS(-3), NOT_HERE, "the next call aborts QEMU") \
	D("create: a window of 2^88, which is 24 when cut to six bits (DW-02)", \
		STATUS(-3), NOT_HERE, "it shifts by more than a word has bits") \
	D("create: a window of 2^(2^32 - 1) (DW-02)", \
		STATUS(-3), NOT_HERE, "it shifts by more than a word has bits") \
	D("create: a window of 2^63, which no host has room for (DW-06)", \
		STATUS(-1), NOT_HERE, "the next call aborts QEMU") \
	D("create: no results (RT-06)", \
		SILENT, STATUS(-3), "the service wants its counts exactly") \
	D("reset: a function that is not there (DW-01)", \
		STATUS(-3), STATUS(0), "windows are the bridge's, whatever function is named") \
	D("PUT 1 past a page is refused (HC-06)", \
		WORDS("H_PARAMETER"), WORDS("stored"), "it rounds the address down") \
	D("PUT half a page past a page is refused (HC-06)", \
		WORDS("H_PARAMETER"), WORDS("stored"), "it rounds the address down") \
	D("PUT of half a page's address is refused (HC-30)", \
		WORDS("H_PARAMETER"), WORDS("stored"), "it does not look at what a TCE names") \
	D("PUT of an undefined bit is refused (HC-30)", \
		WORDS("H_PARAMETER"), WORDS("stored"), "it does not look at what a TCE names") \
	D("PUT of the page past the memory is refused (HC-07)", \
		WORDS("H_PARAMETER"), WORDS("stored"), "it does not look at what a TCE names") \
	D("GET 1 past a page is refused (HC-06)", \
		WORDS("H_PARAMETER"), WORDS("the page's entry"), "it rounds the address down") \
	D("INDIRECT with one bad entry of eight stores none (HC-30)", \
		WORDS("H_PARAMETER"), WORDS("all are stored"), \
		"it does not look at what a TCE names") \
	D("query: five and six results agree on the largest window", \
		WORDS("the same number"), WORDS("2^31, and 2^37"), \
		"the two forms do not count in the same unit") \
	D("create: the largest window that query offers", \
		WORDS("it is made, and works"), NOT_HERE, \
		"its table would be 16 GiB of QEMU's own memory") \
	D("remove: a window of the guest's in the default one's place brings that back (DW-11)", \
		WORDS("it comes back"), WORDS("there is none"), \
		"a window with the default one's number counts as the default one") \
	D("STUFF of thousands: an interrupt comes in the middle of it", \
		WORDS("between slices of 512"), WORDS("after the call"), \
		"it does all of it in one go") \
	D("window of 2^40: PUT says when there is no memory for its table (HC-29)", \
		WORDS("H_NOT_ENOUGH_RESOURCES"), NOT_HERE, \
		"the table is there from the first on, as far as the machine's owner has memory") \
	D("window of 2^40: STUFF of all of it", \
		WORDS("every entry is cleared"), NOT_HERE, \
		"it walks 2^28 entries in one call, which takes minutes")
/* clang-format on */

#endif
