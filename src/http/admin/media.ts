import { z } from 'zod'
import { declareIn } from './route.ts'

const declare = declareIn('media')

const urlMax = 4_096
const imageMaxBytes = 10 * 1024 * 1024

export const mediaRoutes = [
  declare(
    'POST /media',
    {
      access: 'user',
      summary: 'Fetches an image from the world outside: png, jpeg, gif, webp or avif, of 10 MB at most.',
      body: z.strictObject({ url: z.url({ protocol: /^https?$/ }).max(urlMax) }),
      sends: 'image/*',
      // Addresses of images in answers may hold words of the conversation.
      isTold: false,
    },
    async ({ body, exchange: { response }, signal, hold }, { media }) => {
      hold(imageMaxBytes)
      const { type, bytes } = await media.image(body.url, signal)
      response
        .writeHead(200, {
          'content-type': type,
          'content-length': bytes.length,
          'content-disposition': `attachment; filename="image.${type.slice('image/'.length)}"`,
          'x-content-type-options': 'nosniff',
        })
        .end(bytes)
    },
  ),
]
