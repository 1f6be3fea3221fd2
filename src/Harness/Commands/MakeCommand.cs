using System.CommandLine;
using System.Diagnostics;
using Loadline.Checkpoints;
using Loadline.Forward.Models;
using Loadline.Harness.Budgets;
using Loadline.Harness.Making;
using Loadline.Harness.Output;
using Loadline.Harness.Services;

namespace Loadline.Harness.Commands;

/// <summary><c>loadline make</c>: a synthetic checkpoint.</summary>
internal static class MakeCommand
{
    public static Command Create(HarnessServices services)
    {
        var models = services.Maker.Models;
        var model = new Argument<string>("MODEL") { Description = string.Join(", ", models) };
        model.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !models.Contains(token.Value)) result.AddError($"unknown model '{token.Value}': known are {string.Join(", ", models)}");
        });
        var path = CommandOptions.Path("OUT", "the file, or the folder of a sharded or per-tensor checkpoint");
        var format = CommandOptions.Format("the model's own, pth or for llama sharded");
        var dtype = CommandOptions.DType("of the weights; by default the model's own, float32 or for llama bfloat16", Known.ModelDTypes);
        var sparse = new Option<bool>("--sparse") { Description = "leave most bytes as holes that take no disk space" };
        var seed = new Option<int>("--seed") { Description = "of the values; 0 by default", HelpName = "N" };
        seed.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !(int.TryParse(token.Value, out var n) && n >= 0)) result.AddError($"--seed '{token.Value}' is not a whole number from 0 on");
        });
        var force = CommandOptions.Force();
        var command = new Command("make", "Make a synthetic checkpoint with a real model's names and shapes.") { model, path, format, dtype, sparse, seed, force };
        command.SetAction((parse, cancellation) =>
        {
            var target = parse.GetValue(path)!;
            Replacing.RefuseLoss(target, parse.GetValue(force));
            var name = parse.GetValue(model)!;
            var type = DType.TryParse(parse.GetValue(dtype), out var given) ? given : KnownModels.PublishedDType(name);
            var recipe = new CheckpointRecipe(name, CommandOptions.FormatOf(parse.GetValue(format), target, KnownModels.PublishedFormat(name)), type, parse.GetValue(seed));
            return MakeAsync(services, recipe, target, parse.GetValue(sparse), cancellation);
        });
        return command;
    }

    private static async Task<int> MakeAsync(HarnessServices services, CheckpointRecipe recipe, string path, bool sparse, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        await ProgressLine.ShowAsync(services.Console, path, progress => Task.Run(() => Make(progress), cancellation));
        services.Out.WriteLine($"{path}: {recipe.Model}, {recipe.Format.Name()}, {recipe.DType}, made in {RunSummary.Duration(clock.Elapsed)}");
        return 0;

        bool Make(Action<double> progress)
        {
            services.Maker.Make(recipe, path, sparse, progress, cancellation);
            return true;
        }
    }
}
