/** The chats there are, in the rail. */
export function ChatSidebar() {
  return null
}
