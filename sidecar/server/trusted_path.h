// SPDX-License-Identifier: MIT
// Opens files with root's rights only where nobody else decides which file that is. In a folder
// that somebody else may write, a name can be made a link to any file just before it is opened.
#ifndef SERVER_TRUSTED_PATH_H
#define SERVER_TRUSTED_PATH_H

#include <sys/types.h>

// As open(2) of an absolute path. Each folder and each symbolic link on the way must belong to root
// or to `owner`, and nobody else may write the folders. A folder with the sticky bit, such as /tmp,
// is passed through, since what is root's stays in its place there, but no file is opened in it.
// -1 with errno: EPERM when others may change where the path leads. Never 0.
int trusted_path_open(const char *path, int flags, mode_t mode, uid_t owner);

#endif
