// An application with express-session, for check-application.
'use strict'

const express = require('express')
const session = require('express-session')

const app = express()
const options = {
  secret: require('crypto').randomBytes(32).toString('hex'),
  // The values of the examples in the documentation, which deprecates the defaults.
  resave: false,
  saveUninitialized: true
}
if (process.env.IDLE_TIMEOUT) {
  options.cookie = { maxAge: 1000 * process.env.IDLE_TIMEOUT }
  options.rolling = true
}

const held = new Set()

// Waits for the release of the hold that the request names.
async function wait (request) {
  const hold = request.query.hold
  if (!hold) return
  held.add(hold)
  while (held.has(hold)) await new Promise(resolve => setTimeout(resolve, 5))
}

function found (response, value) {
  if (value === undefined || value === null) response.sendStatus(404)
  else response.send(String(value))
}

// Calls a method of the session, which takes a callback.
function call (request, method) {
  return new Promise((resolve, reject) => {
    request.session[method](error => error ? reject(error) : resolve())
  })
}

app.use(session(options))

app.get('/plain', (request, response) => response.send('plain'))

app.post('/set', express.text({ limit: '1mb' }), async (request, response) => {
  void request.session[request.query.key]
  await wait(request)
  request.session[request.query.key] = request.body
  response.end()
})

app.get('/get', async (request, response) => {
  const value = request.session[request.query.key]
  await wait(request)
  found(response, value)
})

app.get('/add', async (request, response) => {
  const number = request.session[request.query.key] || 0
  await wait(request)
  request.session[request.query.key] = number + 1
  response.send(String(number + 1))
})

// The login and the logout of the documentation.
app.post('/login', async (request, response) => {
  await call(request, 'regenerate')
  request.session.user = request.query.user
  await call(request, 'save')
  response.end()
})

app.post('/logout', async (request, response) => {
  request.session.user = null
  await call(request, 'save')
  await call(request, 'regenerate')
  response.end()
})

app.get('/user', (request, response) => found(response, request.session.user))

app.get('/held', (request, response) => {
  found(response, held.has(request.query.hold) ? 'held' : undefined)
})

app.post('/release', (request, response) => {
  held.delete(request.query.hold)
  response.end()
})

app.listen(process.env.PORT, '127.0.0.1')
