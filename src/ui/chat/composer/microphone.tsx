import { Check, Mic, X } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Button, IconButton } from '../../parts/button.tsx'
import { useCanTranscribe, type useRecorder } from './recorder.ts'

type Recorder = ReturnType<typeof useRecorder>

export function Microphone({ recorder }: { recorder: Recorder }) {
  const { t } = useTranslation()
  const canHear = useCanTranscribe()
  const { state } = recorder.recording
  if (!canHear) return null
  return (
    <IconButton
      label={t('chat.mic.start')}
      className="max-md:size-11"
      disabled={state === 'recording' || state === 'transcribing'}
      onClick={() => void recorder.start()}
    >
      <Mic aria-hidden />
    </IconButton>
  )
}

/** While one speaks: for how long, and how to end it. */
export function RecordingBar({ recorder }: { recorder: Recorder }) {
  const { t } = useTranslation()
  const { recording, finish, cancel, dismiss } = recorder
  if (recording.state === 'idle') return null
  if (recording.state === 'failed') {
    const { why } = recording
    return (
      <div role="alert" className="flex items-center gap-2 rounded-md bg-warning/15 px-2 py-1.5 text-[0.8125rem]">
        <span className="min-w-0 flex-1">{typeof why === 'string' ? t(`chat.mic.${why}`) : why.message}</span>
        <Button size="sm" look="quiet" onClick={dismiss}>
          {t('common.close')}
        </Button>
      </div>
    )
  }
  if (recording.state === 'transcribing') {
    return (
      <p role="status" className="px-2 text-[0.8125rem] text-muted-foreground">
        {t('chat.mic.transcribing')}
      </p>
    )
  }
  const seconds = Math.floor(recording.ms / 1_000)
  return (
    <div className="flex items-center gap-2 px-2">
      <span aria-hidden className="size-2.5 animate-pulse rounded-full bg-destructive" />
      <span role="timer" aria-label={t('chat.mic.recording')} className="tabular flex-1">
        {Math.floor(seconds / 60)}:{String(seconds % 60).padStart(2, '0')}
      </span>
      <IconButton label={t('common.cancel')} size="sm" className="max-md:size-11" onClick={cancel}>
        <X aria-hidden />
      </IconButton>
      <IconButton label={t('chat.mic.finish')} size="sm" look="primary" className="max-md:size-11" onClick={finish}>
        <Check aria-hidden />
      </IconButton>
    </div>
  )
}
