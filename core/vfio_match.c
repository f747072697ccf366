// SPDX-License-Identifier: Apache-2.0
/* Ids as text, and which functions they fit. */
#include "core/vfio_match.h"

#include <string.h>

#define WORDS	     7u
#define WORDS_NEEDED 2u
#define HEX_DIGITS   8
#define NO_DIGIT     16u
#define ID_MAX	     0xffffu
#define CLASS_MAX    0xffffffu

static unsigned int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	char low = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
	const char *at = c ? strchr(digits, low) : NULL;

	return at ? (unsigned int)(at - digits) : NO_DIGIT;
}

/* One number of up to eight digits that ends at a space or at the end; *text is moved behind it and
 * the spaces. */
static bool take_word(const char **text, uint32_t *v)
{
	const char *s = *text;
	unsigned int digit;

	*v = 0;
	while ((digit = hex_digit(*s)) != NO_DIGIT && s - *text < HEX_DIGITS) {
		*v = *v << 4 | digit;
		s++;
	}
	if (s == *text || (*s && *s != ' ')) {
		return false;
	}
	*text = s + strspn(s, " ");
	return true;
}

int vfio_parse_id(const char *text, struct vfio_id *id)
{
	/* The last is the data of a driver, and the largest there is, is none. */
	static const uint32_t largest[] = {ID_MAX, ID_MAX, ID_MAX, ID_MAX, CLASS_MAX, CLASS_MAX, 0};
	uint32_t v[WORDS] = {[2] = VFIO_ID_ANY, [3] = VFIO_ID_ANY};
	unsigned int n;

	for (n = 0; *text; n++) {
		if (n == WORDS || !take_word(&text, &v[n])) {
			return -EINVAL;
		}
		if (v[n] > largest[n] && !(largest[n] == ID_MAX && v[n] == VFIO_ID_ANY)) {
			return -EINVAL;
		}
	}
	if (n < WORDS_NEEDED) {
		return -EINVAL;
	}
	*id = (struct vfio_id){v[0], v[1], v[2], v[3], v[4], v[5]};
	return 0;
}

static bool fits(uint32_t wanted, uint32_t is)
{
	return wanted == VFIO_ID_ANY || wanted == is;
}

bool vfio_id_fits(const struct vfio_id *id, const struct host_func *f)
{
	return fits(id->vendor, f->vendor) && fits(id->device, f->device) &&
	       fits(id->subvendor, f->subsys_vendor) && fits(id->subdevice, f->subsys) &&
	       !((id->class_code ^ f->class_code) & id->class_mask);
}

static bool takes_out(const char *text)
{
	return *text == '-';
}

bool vfio_match(const char *texts, size_t len, const struct host_func *f)
{
	bool decided = false, meant = true;

	if (len && texts[len - 1]) {
		return false;
	}
	for (size_t at = 0; at < len; at += strlen(texts + at) + 1) {
		const char *t = texts + at;
		bool out = takes_out(t);
		struct vfio_id id;

		if (!vfio_parse_id(t + out, &id) && vfio_id_fits(&id, f)) {
			decided = true;
			meant = !out;
		} else if (!out && !decided) {
			meant = false;
		}
	}
	return meant;
}

int vfio_check_match(const char *text)
{
	struct vfio_id id;

	return vfio_parse_id(text + takes_out(text), &id);
}
