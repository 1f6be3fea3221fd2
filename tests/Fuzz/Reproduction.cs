namespace Loadline.Fuzz;

/// <summary>One mutant in this process, where a debugger can be attached, and left on the disk.</summary>
internal static class Reproduction
{
    public static int Run(int seed, long number)
    {
        var folder = Directory.CreateTempSubdirectory("loadline-mutant-").FullName;
        var mutant = Mutant.Make(new Corpus(), seed, number, folder);
        Console.WriteLine($"mutant {number} of {mutant.Target.Name}: {mutant.Path}");
        Console.WriteLine(Trial.Run(mutant.Path, number, folder));
        return 0;
    }
}
