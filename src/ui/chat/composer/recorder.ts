import { useQuery } from '@tanstack/react-query'
import { useCallback, useEffect, useRef, useState } from 'react'
import { listModels, transcribe } from '../../../openai/stream-client.ts'
import { api, useApi } from '../../client/api.ts'
import { connection, useConnection } from '../../client/connection.ts'
import { isNode } from '../../client/session.ts'

/** After which a recording ends by itself. */
const recordMaxMs = 5 * 60_000
const tickMs = 250
const answerIdleMs = 120_000
const listIdleMs = 20_000

export type Recording =
  | { readonly state: 'idle' }
  | { readonly state: 'recording'; readonly ms: number }
  | { readonly state: 'transcribing' }
  | { readonly state: 'failed'; readonly why: 'denied' | 'no_microphone' | 'nothing' | { readonly message: string } }

const idle: Recording = { state: 'idle' }

/** The microphone: what was said comes as a text. */
export function useRecorder(onText: (text: string) => void) {
  const [recording, setRecording] = useState<Recording>(idle)
  const active = useRef<{ stop: (isWanted: boolean) => void }>(undefined)
  /** Somebody is asked for the microphone. */
  const isAsking = useRef(false)
  const isGone = useRef(false)
  const say = useRef(onText)
  say.current = onText
  useEffect(() => {
    isGone.current = false
    return () => {
      isGone.current = true
      active.current?.stop(false)
    }
  }, [])
  const start = useCallback(async () => {
    if (active.current !== undefined || isAsking.current) return
    isAsking.current = true
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true })
      if (isGone.current) return release(stream)
      active.current = record(stream, setRecording, async sound => {
        active.current = undefined
        if (sound === undefined) return setRecording(idle)
        setRecording({ state: 'transcribing' })
        try {
          const text = (await textOf(sound)).trim()
          setRecording(text === '' ? { state: 'failed', why: 'nothing' } : idle)
          if (text !== '') say.current(text)
        } catch (error) {
          setRecording({ state: 'failed', why: { message: error instanceof Error ? error.message : String(error) } })
        }
      })
    } catch (error) {
      const isDenied = error instanceof DOMException && error.name === 'NotAllowedError'
      setRecording({ state: 'failed', why: isDenied ? 'denied' : 'no_microphone' })
    } finally {
      isAsking.current = false
    }
  }, [])
  return {
    recording,
    start,
    finish: useCallback(() => active.current?.stop(true), []),
    cancel: useCallback(() => active.current?.stop(false), []),
    dismiss: useCallback(() => setRecording(idle), []),
  }
}

function release(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop()
}

function recorderOf(stream: MediaStream): MediaRecorder {
  try {
    return new MediaRecorder(stream)
  } catch (cause) {
    release(stream)
    throw cause
  }
}

function record(
  stream: MediaStream,
  show: (recording: Recording) => void,
  done: (sound: Blob | undefined) => Promise<void>,
): { stop: (isWanted: boolean) => void } {
  const recorder = recorderOf(stream)
  const pieces: Blob[] = []
  const startedAt = performance.now()
  let isWanted = true
  const stop = (wanted: boolean) => {
    isWanted = wanted
    if (recorder.state !== 'inactive') recorder.stop()
  }
  const tick = setInterval(() => {
    const ms = performance.now() - startedAt
    if (ms > recordMaxMs) stop(true)
    else show({ state: 'recording', ms })
  }, tickMs)
  recorder.addEventListener('dataavailable', ({ data }) => void pieces.push(data))
  recorder.addEventListener('stop', () => {
    clearInterval(tick)
    release(stream)
    void done(isWanted ? new Blob(pieces, { type: recorder.mimeType }) : undefined)
  })
  recorder.start(1_000)
  show({ state: 'recording', ms: 0 })
  return { stop }
}

const hears = /whisper|transcri|parakeet|speech-to-text/i

async function textOf(sound: Blob): Promise<string> {
  const form = new FormData()
  const ending = /mp4|ogg|wav/.exec(sound.type)?.[0] ?? 'webm'
  form.append('file', sound, `speech.${ending}`)
  if (isNode) return (await api('POST /transcription', { body: form })).text
  const known = connection()
  if (known === undefined) return ''
  const signal = AbortSignal.timeout(answerIdleMs)
  const models = await listModels(known, { signal, idleMs: listIdleMs })
  form.append('model', models.find(({ id }) => hears.test(id))?.id ?? 'whisper-1')
  return (await transcribe(known, form, { signal, idleMs: answerIdleMs })).text
}

/** Whether what is said can be turned into text here. */
export function useCanTranscribe(): boolean {
  const known = useConnection()
  const { data } = useApi('GET /transcription', {}, { enabled: isNode, retry: false, staleTime: 60_000 })
  const { data: models } = useQuery({
    queryKey: ['transcribers', known?.baseUrl ?? null],
    queryFn: ({ signal }) => listModels(known!, { signal, idleMs: listIdleMs }),
    enabled: !isNode && known !== undefined,
    staleTime: 60_000,
    retry: false,
  })
  const hasDevice = typeof MediaRecorder !== 'undefined' && navigator.mediaDevices !== undefined
  return hasDevice && (isNode ? data?.available === true : (models ?? []).some(({ id }) => hears.test(id)))
}
