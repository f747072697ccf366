// SPDX-License-Identifier: Apache-2.0
/*
 * The small RTAS services. What a guest asks for here happens to its own partition only (RT-20).
 */
#include "core/console.h"
#include "core/guest_mem.h"
#include "core/rtas.h"

#define LAST_WORDS_MAX 128u

/* The arguments say which events may switch the machine on again; there are none. */
void rtas_power_off(struct rtas_call *call)
{
	partition_request_stop(call->vcpu->partition, STOP_POWER_OFF);
}

void rtas_system_reboot(struct rtas_call *call)
{
	partition_request_stop(call->vcpu->partition, STOP_REBOOT);
}

/* The guest's kernel has panicked; its argument is where a text says why, and ends with a zero or
 * is cut. A partition that ends is better than one that spins, and its end is not an orderly one.
 */
void rtas_ibm_os_term(struct rtas_call *call)
{
	struct partition *p = call->vcpu->partition;
	char words[LAST_WORDS_MAX + 1];
	unsigned int len = 0;

	while (len < LAST_WORDS_MAX) {
		if (guest_mem_read(&p->mem, gpa((uint64_t)call->args[0] + len), &words[len], 1)) {
			call->rets[0] = RTAS_PARAM_ERROR;
			return;
		}
		if (!words[len]) {
			break;
		}
		len++;
	}
	words[len] = '\0';
	log_limited(&p->log, LOG_ERR, "%s: its kernel gave up: %s", p->name, words);
	partition_request_stop(p, STOP_CRASHED);
}

void rtas_display_character(struct rtas_call *call)
{
	char c = (char)(call->args[0] & 0xff);

	console_write(&call->vcpu->partition->console, &c, 1);
}
