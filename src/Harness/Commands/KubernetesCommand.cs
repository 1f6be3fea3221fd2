using System.CommandLine;
using Loadline.Harness.Budgets;
using Loadline.Harness.Kubernetes;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Services;
using Loadline.Measuring;
using Loadline.Tensors.Engines;

namespace Loadline.Harness.Commands;

/// <summary><c>loadline kubernetes</c>: the cases of a budget file as objects that <c>kubectl apply -f -</c> takes. It asks no cluster.</summary>
internal static class KubernetesCommand
{
    private const string Job = "Job";
    private const string Pod = "Pod";

    public static Command Create(HarnessServices services)
    {
        var budgets = CommandOptions.Budgets();
        var filter = CommandOptions.Filter();
        var images = new Option<string[]>("--image")
        {
            Description = "the image whose program is the worker; once more for each other engine, as in libtorch=IMAGE",
            HelpName = "IMAGE",
            Arity = ArgumentArity.OneOrMore,
            Required = true,
            CustomParser = result =>
            {
                var texts = result.Tokens.Select(t => t.Value).ToArray();
                if (ProblemOf(() => ClusterOptions.ParseImages(texts)) is { } problem) result.AddError(problem);
                return texts;
            },
        };
        var checkpoints = CommandOptions.Checked(
            "--checkpoints",
            $"where the cluster has the checkpoints: {CheckpointVolume.Usage}; by default the image has them in {ClusterCase.CheckpointFolder}",
            "VOLUME",
            text => ProblemOf(() => CheckpointVolume.Parse(text)));
        var space = CommandOptions.Checked(
            "--namespace",
            "the namespace that objects name",
            "NAME",
            text => KubernetesNames.IsLabel(text) ? null : $"'{text}' is no namespace: write at most 63 small letters, digits and '-'");
        var run = CommandOptions.Run("a digest of all that runs");
        var kind = CommandOptions.OneOf("--kind", "what is written for each case; by default a Job", "kind", [Job, Pod]);
        var command = new Command("kubernetes", "Write a Job for each case, with its cap as the limit of memory, for `kubectl apply -f -`.")
        {
            budgets, filter, images, checkpoints, space, run, kind,
        };
        command.SetAction(parse =>
        {
            var options = new ClusterOptions
            {
                Images = ClusterOptions.ParseImages(parse.GetValue(images)!),
                Checkpoints = parse.GetValue(checkpoints) is { } volume ? CheckpointVolume.Parse(volume) : null,
                Namespace = parse.GetValue(space),
                Run = parse.GetValue(run),
                IsBare = parse.GetValue(kind) == Pod,
            };
            var file = BudgetFile.Read(parse.GetValue(budgets) ?? BudgetFile.Default());
            var cases = WithImages(services, ClusterCase.Of(file.Filtered(parse.GetValue(filter))), options);
            var manifests = CaseManifests.Of(cases, options);
            var count = $"{cases.Count} {(cases.Count == 1 ? "case" : "cases")} of {Path.GetFileName(file.Path)}";
            services.Out.Write(YamlText.Of($"loadline kubernetes: {count}, run {manifests.Run}", manifests.Objects));
            services.Error.WriteLine($"loadline: {count}: {KubernetesNames.RunLabel}={manifests.Run}");
            return ExitCodes.Loaded;
        });
        return command;
    }

    // As `run` does where a library is missing.
    private static List<ClusterCase> WithImages(HarnessServices services, IReadOnlyList<ClusterCase> cases, ClusterOptions options)
    {
        var requirements = services.Requirements();
        foreach (var group in cases.Where(c => options.ImageOf(c.Case) is null).GroupBy(c => c.Case.Engine ?? EngineNames.Native))
        {
            var whyNot = $"no image has it: name one with --image {group.Key}=IMAGE";
            if (requirements.Demands(group.Key)) throw new RuntimeException($"LOADLINE_REQUIRE demands {group.Key}, but {whyNot}");
            services.Error.WriteLine($"loadline: {group.Count()} {(group.Count() == 1 ? "case" : "cases")} with {group.Key} skipped: {whyNot}");
        }

        var all = cases.Where(c => options.ImageOf(c.Case) is not null).ToList();
        return all.Count > 0 ? all : throw new InputException("all cases were skipped: nothing is written");
    }

    private static string? ProblemOf(Func<object> parse)
    {
        try
        {
            _ = parse();
            return null;
        }
        catch (FormatException e)
        {
            return e.Message;
        }
    }
}
