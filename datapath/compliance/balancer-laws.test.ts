/** The laws of local ports, expiry, admission and scheduling; of the programs, with their sweeper running. */
import { skip } from './kernel/private-network.ts';
import { modelBalancer } from '../model/index.ts';
import { cookieLaws } from './balancer/cookies.ts';
import { admissionLaws } from './balancer/admission.ts';
import { expiryLaws } from './balancer/expiry.ts';
import { limitLaws } from './balancer/limits.ts';
import { portLaws } from './balancer/ports.ts';
import { scheduleLaws } from './balancer/schedule.ts';
import { shiftLaws } from './balancer/shift.ts';
import { loadBalancer } from './kernel/balancer.ts';
import { suiteWorld } from './model/world.ts';
import { testLaws } from './run-rows.ts';
import { WEB_TABLES } from './tables.ts';

const model = () => modelBalancer(suiteWorld, WEB_TABLES);

testLaws('balancer', { model, kernel: loadBalancer, skip }, [
  ...portLaws,
  ...shiftLaws,
  ...expiryLaws,
  ...admissionLaws,
  ...scheduleLaws,
  ...limitLaws,
  ...cookieLaws,
]);
