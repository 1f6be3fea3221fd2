using System.Text.Json;
using Loadline.Checkpoints;
using Loadline.Forward.Models;
using Loadline.Tensors.Limits;

namespace Loadline.Harness.Budgets;

/// <summary>The strict reader of budget files. A budget that is misspelt, never checked or out of reach must not pass for one that holds.</summary>
internal static class BudgetReader
{
    /// <summary>The lowest cap: below it the worker's own runtime does not die but thrashes on its file pages for minutes.</summary>
    public static readonly long FloorBytes = WorkerMemory.LeastFloorBytes;

    /// <summary>Reads the file's bytes; the path is for messages, and for the folder that relative paths start from.</summary>
    /// <exception cref="InputException">Something in it is wrong.</exception>
    public static BudgetFile Read(string path, ReadOnlySpan<byte> utf8)
    {
        var root = new MemberReader(path, Parse(path, utf8), owner: "");
        root.Text("$schema");
        var checkpoints = root.Require("checkpoints");
        var cases = root.Require("cases");
        root.Close();

        // Refuses what is no object, and names that stand there twice.
        _ = new MemberReader(path, checkpoints, "checkpoints");
        var sources = checkpoints.Members.ToDictionary(m => m.Name, m => Source(path, m.Name, m.Value));
        if (cases.Kind != JsonTokenType.StartArray || cases.Items.Count == 0) throw root.ErrorAt("cases", "cases must be a list that is not empty");

        var read = new List<BudgetCase>();
        var names = new Dictionary<string, int>();
        foreach (var item in cases.Items)
        {
            var members = new MemberReader(path, item, $"case {read.Count + 1}") { Checkpoints = [.. sources.Keys] };
            var budget = Case(members, item.Line);
            // As results have it: what cannot be seen is written there as its code.
            var name = PrintableText.Escape(budget.Name);
            if (!names.TryAdd(name, item.Line)) throw members.ErrorAt("name", $"line {names[name]} has a case of the same name");
            read.Add(budget with { Model = (sources[budget.Checkpoint] as GeneratedCheckpoint)?.Recipe.Model });
        }

        return new BudgetFile(path, sources, read);
    }

    private static LocatedJson Parse(string path, ReadOnlySpan<byte> utf8)
    {
        try
        {
            return LocatedJson.Parse(utf8);
        }
        catch (JsonException e)
        {
            throw new InputException(JsonFileProblem.Of(path, e, "is not valid JSON"));
        }
        // Of a text that is no text: half a surrogate pair, bytes that are no UTF-8.
        catch (InvalidOperationException e)
        {
            throw new InputException($"{path}: is not valid JSON: {e.Message}");
        }
    }

    private static CheckpointSource Source(string path, string name, LocatedJson json)
    {
        var members = new MemberReader(path, json, $"checkpoint '{name}'");
        var (model, file) = (members.Text("model"), members.Text("path"));
        var format = members.OneOf("format", CheckpointFormats.Writable, KnownModels.PublishedFormat(model ?? "").Name());
        var dtype = members.OneOf("dtype", Known.ModelDTypes, KnownModels.PublishedDType(model ?? "").Name);
        var seed = members.Whole("seed");
        members.Close();

        if (model is null == file is null) throw members.Error("needs either model or path");
        if (file is not null)
        {
            if (json.Members.Count > 1) throw members.Error("path stands alone: format, dtype and seed belong to a model that is generated");
            return new CheckpointAt(Path.GetFullPath(file, Path.GetDirectoryName(Path.GetFullPath(path))!)) { Name = name, Line = json.Line };
        }

        _ = CheckpointFormats.TryParse(format, out var parsed);
        _ = DType.TryParse(dtype, out var type);
        return new GeneratedCheckpoint(new CheckpointRecipe(model!, parsed, type!, seed)) { Name = name, Line = json.Line };
    }

    private static BudgetCase Case(MemberReader members, int line)
    {
        var budget = new BudgetCase { Name = members.RequireText("name"), Line = line, Checkpoint = "", CapBytes = 0, Why = "", Folder = members.Folder };
        members.Owner = $"case '{budget.Name}'";
        foreach (var member in CaseMembers.All) budget = member.Read(budget, members);
        members.Close();
        BudgetRules.Check(budget, members);
        return budget;
    }
}
