import type { Role } from '../core/index.ts'
import { ParleyError, roles } from '../core/index.ts'

/** Whether a role has the rights of another: each has those of all below it. */
export function hasRole(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed)
}

/** Throws `forbidden` for a role with fewer rights. */
export function requireRole(role: Role, needed: Role): void {
  if (hasRole(role, needed)) return
  throw new ParleyError('forbidden', `this takes the role ${needed}, and you have ${role}; ask an admin`)
}
