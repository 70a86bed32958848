/** The balancer's rows. */
import { skip } from './kernel/private-network.ts';
import { modelBalancer } from '../model/index.ts';
import { balancerRows } from './balancer/index.ts';
import { loadBalancer } from './kernel/balancer.ts';
import { suiteWorld } from './model/world.ts';
import { testRows } from './run-rows.ts';
import { WEB_TABLES } from './tables.ts';

const model = () => modelBalancer(suiteWorld, WEB_TABLES);

testRows('balancer', { model, kernel: loadBalancer, skip }, WEB_TABLES, balancerRows);
