-- Two locations that are whole, and every way in which a row can be of no use.
INSERT INTO `User` (id, companyId, accessToken, refreshToken, tokenExpiresAt) VALUES
  ('L1', 'C1', 'access-1', 'refresh-1', '2026-01-31 18:00:00.250'),
  ('L2', NULL, 'access-2', 'refresh-2', NULL),
  ('noTokens', NULL, '', '', NULL),
  ('empty', NULL, '', '', NULL),
  ('bad id', NULL, 'access-3', 'refresh-3', NULL);
SET FOREIGN_KEY_CHECKS = 0;
INSERT INTO `Instance` (idInstance, apiTokenInstance, stateInstance, userId, settings, name, createdAt) VALUES
  (1101000002, 'token-2', 'notAuthorized', 'L1',
   '{"webhookUrl":"https://old.test/webhooks/green-api","webhookUrlToken":"22222222222222222222222222222222"}',
   NULL, '2025-07-02 10:00:00.000'),
  (1101000001, 'token-1', 'authorized', 'L1',
   '{"wid":"79001234567@c.us","webhookUrl":"https://old.test/webhooks/green-api","webhookUrlToken":"11111111111111111111111111111111","delaySendMessagesMilliseconds":1000}',
   'Магазин', '2025-07-01 10:00:00.000'),
  (1101000009, 'token-9', NULL, 'L2', '{}', 'Sales +7 900 123-45-99', '2025-07-03 10:00:00.000'),
  (1101000010, 'token-10', 'starting', 'noTokens',
   '{"webhookUrlToken":"10101010101010101010101010101010"}', 'Office', '2025-07-04 10:00:00.000'),
  (1101000011, '', 'authorized', 'L2', '{}', 'No token', '2025-07-05 10:00:00.000'),
  (1101000012, 'token-12', 'authorized', 'gone', '{}', 'Orphan', '2025-07-06 10:00:00.000'),
  (-7, 'token-13', 'authorized', 'L2', '{}', 'No instance', '2025-07-07 10:00:00.000');
