using Loadline.Fuzz;
using Loadline.Fuzz.Coverage;

// Opens and loads damaged checkpoints until one of them crashes, hangs or takes memory that it does not justify. Each mutant follows from the seed
// and its number: what is found can be made again.
//
//   fuzz [--mutants N] [--seed N] [--workers N]     all of them, in child processes; exit 1 if anything was found
//   fuzz --keep FOLDER [--mutants N] …              the same, and what opens is kept there for PyTorch to read (tests/differential.sh)
//   fuzz --only NUMBER [--seed N]                   one of them in this process, and where it is written
//
// Guided by coverage, as coverage.sh runs it:
//   fuzz coverage TARGET SCRATCH                    serves afl-fuzz
//   fuzz seeds TARGET FOLDER                        writes what it starts from
//   fuzz keep TARGET FOLDER                         takes a minimised corpus into the repository
if (args is [var verb, var name, var folder] && CoverageTarget.All.FirstOrDefault(t => t.Name == name) is { } target)
{
    if (verb == "coverage") return CoverageRun.Run(target, folder);
    if (verb == "seeds") return CoverageCorpus.WriteSeeds(target, folder);
    if (verb == "keep") return CoverageCorpus.Keep(target, folder);
}

var options = Options.Parse(args);
if (options is null)
{
    Console.Error.WriteLine("usage: fuzz [--keep FOLDER] [--mutants N] [--seed N] [--workers N] | --only NUMBER [--seed N] | coverage|seeds|keep TARGET FOLDER");
    return 2;
}

if (options.Child is { } range) return Child.Run(options, range.First, range.Count);
return options.Only is { } number ? Reproduction.Run(options.Seed, number) : new Campaign(options).Run();
