-- The older adapter's tables as its ORM makes them.
CREATE TABLE `User` (
  `id` VARCHAR(191) NOT NULL,
  `companyId` VARCHAR(191) NULL,
  `accessToken` TEXT NOT NULL,
  `refreshToken` TEXT NOT NULL,
  `tokenExpiresAt` DATETIME(3) NULL,
  `createdAt` DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4;
CREATE TABLE `Instance` (
  `id` BIGINT NOT NULL AUTO_INCREMENT,
  `idInstance` BIGINT NOT NULL,
  `apiTokenInstance` VARCHAR(191) NOT NULL,
  `stateInstance` ENUM('notAuthorized', 'authorized', 'yellowCard', 'blocked', 'starting') NULL,
  `userId` VARCHAR(191) NOT NULL,
  `settings` JSON NOT NULL DEFAULT '{}',
  `name` VARCHAR(191) NULL,
  `createdAt` DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  UNIQUE INDEX `Instance_idInstance_key`(`idInstance`),
  INDEX `Instance_userId_idx`(`userId`),
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4;
