import { Component, type ReactNode } from 'react'

/** What cannot be drawn is shown as `otherwise`; the rest of the page goes on. */
export class Boundary extends Component<{ otherwise: ReactNode; children: ReactNode }, { hasFailed: boolean }> {
  override state = { hasFailed: false }

  static getDerivedStateFromError() {
    return { hasFailed: true }
  }

  override render() {
    return this.state.hasFailed ? this.props.otherwise : this.props.children
  }
}
