/** A text as it is. */
export function Plain({ text }: { text: string }) {
  return (
    <p dir="auto" className="break-words whitespace-pre-wrap">
      {text}
    </p>
  )
}
