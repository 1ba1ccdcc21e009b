/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <butter/host.h>

/*
 * Not libc's: where the name is longer than len, glibc's gethostname fails and has written part of
 * it, musl's cuts it and says nothing, and its getdomainname fails with EINVAL.
 */
static int copy(char *name, size_t len, const char *from)
{
	size_t need = strlen(from) + 1;
	if (need > len) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(name, from, need);
	return 0;
}

int butter_gethostname(char *name, size_t len)
{
	struct utsname host;
	return uname(&host) < 0 ? -1 : copy(name, len, host.nodename);
}

int butter_sethostname(const char *name, size_t len)
{
	return sethostname(name, len);
}

int butter_getdomainname(char *name, size_t len)
{
	struct utsname host;
	return uname(&host) < 0 ? -1 : copy(name, len, host.domainname);
}

int butter_setdomainname(const char *name, size_t len)
{
	return setdomainname(name, len);
}
