const express = require('express');
const crypto = require('crypto');

const app = express();
const salt = "<salt string>";
const accountId = "<account id string>";
const apiKey = "<api key string>";

app.use(express.json());

app.post('/', (req, res) => {
  for (callback of req.body.callbacks) {
    const data = salt + accountId + apiKey + callback.callback_id;
    hash = crypto.createHash('md5').update(data).digest('hex');
    if (hash === callback.hash) {
      res.sendStatus(200);
      if (callback.type === 'min_balance') {
        console.log("WARNING! The balance is under the threshold!");
      }
    }   
  }
});

app.get('/', (req, res) => {
  res.sendStatus(200);
});

app.listen(3000);
