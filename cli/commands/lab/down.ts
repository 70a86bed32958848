/** `fullnat lab down` */
import { checkMachine } from '../../../lab/requirements.ts';
import { down } from '../../../lab/up.ts';
import { command } from '../../command.ts';
import { doing, instanceOption } from './common.ts';

export const labDown = command({
  name: 'down',
  summary: 'Remove a lab: processes, namespaces, files and pins, also after a crash',
  arguments: {},
  options: { instance: instanceOption },
  examples: [{ command: 'fullnat lab down', does: 'nothing is left of it' }],
  handler: async ({ options: { instance } }, { stderr }) => {
    const { namespaces, files } = await doing(() => {
      checkMachine();
      return down(instance);
    });
    const wasThere = namespaces.length + files.length > 0;
    stderr.write(
      wasThere
        ? `lab '${instance}' removed: ${namespaces.length} namespaces, ${files.join(', ')}\n`
        : `lab '${instance}' was not there\n`,
    );
    return 0;
  },
});
