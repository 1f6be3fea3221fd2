using System.Globalization;
using Loadline.Benchmarks.Steps;

// What a step of the ledger takes, for each family of charges by the worst file that we know of it, worst first.
//
//   steps [MEGABYTES…] [--only TEXT]      of 2 and 45 MB each; only families with this text in their names
//   steps FILE…                           of checkpoints as they are, and what they leave of what they are granted
const string Table = "ns a step | CPU ms | million steps | of | peak heap MB | ends |\n|---|---:|---:|---:|---:|---:|---|";
if (args is [var first, ..] && File.Exists(first))
{
    Console.WriteLine($"| checkpoint | {Table}");
    foreach (var path in args) Console.WriteLine(Measured.Of(path, path));
    return;
}

var only = args is [.., "--only", var text] ? text : "";
List<int> sizes = [.. args.TakeWhile(arg => arg != "--only").Select(arg => int.Parse(arg, CultureInfo.InvariantCulture))];
if (sizes.Count == 0) sizes.AddRange([2, 45]);

var folder = Directory.CreateTempSubdirectory("loadline-steps-").FullName;
try
{
    foreach (var megabytes in sizes)
    {
        var measured = new List<Measured>();
        foreach (var family in Families.All.Where(family => family.Name.Contains(only, StringComparison.Ordinal)))
        {
            var path = family.Write(folder, megabytes * 1_000_000);
            measured.Add(Measured.Of(family.Name, path));
            File.Delete(path);
        }

        Console.WriteLine($"| of {megabytes} MB | {Table}");
        foreach (var one in measured.OrderByDescending(one => one.NanosecondsPerStep)) Console.WriteLine(one);
        Console.WriteLine();
    }
}
finally
{
    Directory.Delete(folder, recursive: true);
}
