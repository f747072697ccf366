// SPDX-License-Identifier: Apache-2.0
#include "core/pci_print.h"

#include "core/pci_regs.h"
#include "core/text.h"

#define BYTES_PER_LINE 16u

static uint32_t get(const struct pci_print *p, unsigned int off, unsigned int size)
{
	uint32_t val;

	return p->read(p->arg, off, size, &val) ? UINT32_MAX >> (32 - 8 * size) : val;
}

static void add_hex(struct text *t, uint32_t v, unsigned int digits)
{
	char s[9];

	for (unsigned int i = 0; i < digits; i++) {
		s[i] = "0123456789abcdef"[v >> (4 * (digits - 1 - i)) & 0xf];
	}
	s[digits] = '\0';
	text_add(t, s);
}

/* "0001:01:00.0 0108: 1b36:0010 (rev 02)" */
static void print_title(const struct pci_print *p)
{
	struct text t = {0};
	uint32_t ids = get(p, PCI_VENDOR_ID, 4), class_rev = get(p, PCI_REVISION, 4);

	add_hex(&t, p->domain, 4);
	text_add(&t, ":");
	add_hex(&t, p->bdfn >> 8, 2);
	text_add(&t, ":");
	add_hex(&t, p->bdfn >> 3 & 0x1f, 2);
	text_add(&t, ".");
	add_hex(&t, p->bdfn & 7, 1);
	text_add(&t, " ");
	add_hex(&t, class_rev >> 16, 4);
	text_add(&t, ": ");
	add_hex(&t, ids & 0xffff, 4);
	text_add(&t, ":");
	add_hex(&t, ids >> 16, 4);
	text_add(&t, " (rev ");
	add_hex(&t, class_rev & 0xff, 2);
	text_add(&t, ")");
	p->line(t.s);
}

static void print_bytes(const struct pci_print *p, unsigned int off)
{
	struct text t = {0};

	add_hex(&t, off, off < PCI_CONFIG_SIZE ? 2 : 3);
	text_add(&t, ":");
	for (unsigned int i = 0; i < BYTES_PER_LINE; i += 4) {
		uint32_t v = get(p, off + i, 4);

		for (unsigned int k = 0; k < 4; k++) {
			text_add(&t, " ");
			add_hex(&t, v >> (8 * k) & 0xff, 2);
		}
	}
	p->line(t.s);
}

bool pci_print_slice(const struct pci_print *p, unsigned int *at, unsigned int nlines)
{
	uint32_t ext = get(p, PCI_EXT_FIRST, 4);
	unsigned int end = ext && ext != UINT32_MAX ? PCI_CONFIG_EXT_SIZE : PCI_CONFIG_SIZE;

	if (!*at) {
		print_title(p);
	}
	for (; *at < end && nlines; nlines--, *at += BYTES_PER_LINE) {
		print_bytes(p, *at);
	}
	if (*at < end) {
		return true;
	}
	p->line("");
	return false;
}

void pci_print_config(const struct pci_print *p)
{
	unsigned int at = 0;

	while (pci_print_slice(p, &at, PCI_CONFIG_EXT_SIZE / BYTES_PER_LINE)) {
	}
}
