//! The questionnaire: the questions, the possible answers, and how likely each answer is.
//!
//! Each answer comes with a string of digits, one per calling in the order of [`CALLINGS`](super::CALLINGS). A digit
//! says how often people of that calling give the answer, from 0 (hardly ever) to 9 (nearly always); a dot means never.

/// The subject of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// The respondent: age, country, degree, role.
    Person,
    /// Writing programs.
    Program,
    /// Machine learning.
    Ml,
    /// Cloud products.
    Cloud,
    /// Other tools.
    Tools,
    /// The place and the kind of work.
    Work,
    /// Learning and reading.
    Learn,
}

/// How a question is answered, and in which columns the answers lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QuestionType {
    /// One of the answers, in a single column.
    Single,
    /// Like `Single`, with answers that are ordered from least to most.
    Ordered,
    /// Any number of answers, each in a column of its own: `Q7_Part_1`, ...
    Multiple,
    /// Like `Multiple`, with one more column for a text written in, stored as a number: `Q7_OTHER`.
    MultipleOther,
}

/// A question.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// The subject of the question.
    pub topic: Topic,
    /// The kind of answer.
    pub kind: QuestionType,
    /// A short name for reports.
    pub label: &'static str,
    /// The full question.
    pub text: &'static str,
    pub(super) answers: &'static [(&'static str, &'static str)],
}

impl Question {
    /// The possible answers, in order.
    pub fn answers(&self) -> impl Iterator<Item = &'static str> {
        self.answers.iter().map(|&(answer, _)| answer)
    }
}

const fn ask(
    topic: Topic,
    kind: QuestionType,
    label: &'static str,
    text: &'static str,
    answers: &'static [(&'static str, &'static str)],
) -> Question {
    Question { topic, kind, label, text, answers }
}

use QuestionType::{Multiple, MultipleOther, Ordered, Single};
use Topic::{Cloud, Learn, Ml, Person, Program, Tools, Work};

/// All questions in the order in which they are asked; the first is `Q1`.
#[rustfmt::skip]
pub(super) const QUESTIONS: &[Question] = &[
    ask(Person, Ordered, "age", "How old are you, in years?", &[
        ("18-21", "1112111118"), ("22-24", "3334322227"), ("25-29", "6665543454"), ("30-34", "4454544443"),
        ("35-39", "3333344332"), ("40-44", "2223333332"), ("45-49", "2212233221"), ("50-54", "1112222221"),
        ("55-59", "1111122111"), ("60-69", "0101122100"), ("70+", "0000011000"),
    ]),
    ask(Person, Single, "gender", "What is your gender?", &[
        ("Man", "7888778888"), ("Woman", "4322442324"), ("Nonbinary", "0000000000"),
        ("Prefer not to say", "0000000000"), ("Prefer to self-describe", "0000000000"),
    ]),
    ask(Person, Single, "country", "In which country do you live?", &[
        ("India", "5554335557"), ("United States of America", "4443445443"), ("Brazil", "3222222222"),
        ("Japan", "1121221111"), ("Russia", "1222111121"), ("Nigeria", "2112111112"), ("Germany", "1122222121"),
        ("United Kingdom", "2211222121"), ("China", "0122211112"), ("Turkey", "1111111112"),
        ("Pakistan", "1111101112"), ("Spain", "1111111111"), ("France", "1121221111"), ("Canada", "1111111111"),
        ("Indonesia", "1111110112"), ("Mexico", "1111101111"), ("Kenya", "1111111111"), ("Egypt", "1111101112"),
        ("Another country", "4444555445"),
    ]),
    ask(Person, Ordered, "degree", "Which degree do you have, or expect within two years?", &[
        ("No degree beyond school", "1012001112"), ("Some university, no degree", "2113001211"),
        ("Bachelor's degree", "6446324567"), ("Master's degree", "5775565645"), ("Doctoral degree", "1231873121"),
    ]),
    ask(Person, Single, "role", "Which title comes closest to what you do at present?", &[
        ("Data Analyst", "911001110."), ("Data Scientist", "196112013."), ("Machine Learning Engineer", "018101014."),
        ("Software Engineer", "001900132."), ("Research Scientist", "011082001."), ("Statistician", "000019000."),
        ("Business Analyst", "410000510."), ("Product or Project Manager", "000100800."),
        ("Data Engineer", "101100082."), ("Database Administrator", "000100040."), ("Other", "312334333."),
        ("Student", ".........9"), ("Currently not employed", ".........6"),
    ]),
    ask(Program, Ordered, "years of code", "For how many years have you been writing code?", &[
        ("I have never written code", "1.....2..."), ("< 1 years", "4100115116"), ("1-2 years", "5423226327"),
        ("3-5 years", "4654434446"), ("5-10 years", "2555543553"), ("10-20 years", "1335442431"),
        ("20+ years", "1114331320"),
    ]),
    ask(Program, MultipleOther, "languages regular", "Which programming languages do you use regularly?", &[
        ("Python", "7999624898"), ("R", "4410692113"), ("SQL", "8625245924"), ("C", "0113310124"),
        ("C++", "0036410125"), ("Java", "1117111424"), ("Javascript", "1118101423"), ("Julia", "0110210000"),
        ("Swift", "0002000000"), ("Bash", "0345310611"), ("MATLAB", "0021620003"), ("None", "1....03..1"),
    ]),
    ask(Program, Single, "language recommended", "Which language should a newcomer learn first?", &[
        ("Python", "8999759999"), ("R", "2210572111"), ("SQL", "4212123412"), ("C", "0001000012"),
        ("C++", "0011100012"), ("Java", "0012001112"), ("Javascript", "0013001111"), ("Julia", "0000100000"),
        ("Swift", "0000000000"), ("Bash", "0000000000"), ("MATLAB", "0000210001"), ("None", "0000001000"),
        ("Other", "0000111000"),
    ]),
    ask(Program, MultipleOther, "editors", "In which editors do you write your programs?", &[
        ("Jupyter or JupyterLab", "6984533686"), ("RStudio", "3410691012"), ("Visual Studio", "2113123223"),
        ("Visual Studio Code", "3467312565"), ("PyCharm", "2475211444"), ("Spyder", "2322431113"),
        ("Notepad++", "2113124422"), ("Sublime Text", "1223111222"), ("Vim or Emacs", "0244310511"),
        ("MATLAB", "0021620003"), ("None", "1.....4..0"),
    ]),
    ask(Program, MultipleOther, "hosted notebooks", "Which hosted notebooks do you use?", &[
        ("Kaggle Notebooks", "3552201375"), ("Colab", "2573511266"), ("Azure Notebooks", "1111111210"),
        ("Paperspace", "0010100000"), ("Binder", "0110310001"), ("Code Ocean", "0000100000"),
        ("Watson Studio", "1110001110"), ("SageMaker Studio", "0230001310"), ("EMR Notebooks", "0110000310"),
        ("Vertex Workbench", "0120001310"), ("Datalab", "0110001210"), ("Databricks notebooks", "1310002710"),
        ("None", "5226367313"),
    ]),
    ask(Program, Single, "computer", "On which computer do you work most of the time?", &[
        ("A laptop", "7766666668"), ("A desktop computer", "3333543433"), ("A workstation for deep learning", "0161300011"),
        ("A cloud platform", "1330001510"), ("None", "1000011000"), ("Other", "0000000000"),
    ]),
    ask(Program, Multiple, "accelerators", "Which special hardware do you use?", &[
        ("GPUs", "1492512224"), ("TPUs", "0140201111"), ("Other", "0011100000"), ("None", "8418586756"),
    ]),
    ask(Program, Ordered, "uses of a TPU", "How often have you used a TPU?", &[
        ("Never", "9869898878"), ("Once", "1221111112"), ("2-5 times", "0231101112"), ("6-25 times", "0020100000"),
        ("More than 25 times", "0010000000"),
    ]),
    ask(Program, MultipleOther, "drawing libraries", "With which libraries do you draw data?", &[
        ("Matplotlib", "5984622576"), ("Seaborn", "5862311475"), ("Plotly", "2542211322"), ("ggplot2", "3310681112"),
        ("Shiny", "1200341011"), ("D3", "1103001210"), ("Altair", "0110100000"), ("Bokeh", "0221101211"),
        ("Geoplotlib", "0110110100"), ("Leaflet", "0101121100"), ("None", "2015017433"),
    ]),
    ask(Ml, Ordered, "years of ML", "For how many years have you used machine learning?", &[
        ("I do not use machine learning", "5.05135623"), ("Under 1 year", "6216235447"), ("1-2 years", "3544334345"),
        ("2-3 years", "1453322212"), ("3-4 years", "0342211111"), ("4-5 years", "0231211110"),
        ("5-10 years", "0232321110"), ("10-20 years", "0111321000"), ("20+ years", "0000210000"),
    ]),
    ask(Ml, MultipleOther, "ML frameworks", "Which machine learning frameworks do you use regularly?", &[
        ("Scikit-learn", "395352147."), ("TensorFlow", "058430132."), ("Keras", "067330024."),
        ("PyTorch", "038250122."), ("Fast.ai", "013010010."), ("MXNet", "001000000."), ("XGBoost", "184122022."),
        ("LightGBM", "063110111."), ("CatBoost", "042100011."), ("Prophet", "131012121."), ("H2O", "021010110."),
        ("Caret", "110043000."), ("Tidymodels", "010032000."), ("JAX", "001010000."), ("None", "6..623842."),
    ]),
    ask(Ml, MultipleOther, "ML methods", "Which kinds of models do you use regularly?", &[
        ("Linear or logistic regression", "597478448."), ("Trees or random forests", "397354246."),
        ("Gradient boosting", "185222033."), ("Bayesian methods", "133144111."), ("Evolutionary methods", "012021010."),
        ("Dense neural networks", "037330222."), ("Convolutional networks", "039350122."),
        ("Adversarial networks", "014020010."), ("Recurrent networks", "047231122."),
        ("Transformers", "027130111."), ("None", "5..512731."),
    ]),
    ask(Ml, MultipleOther, "vision methods", "Which methods for images do you use?", &[
        ("General image tools", "026230011."), ("Segmentation", "018130010."), ("Object detection", "018120011."),
        ("Classification of images", "029240111."), ("Generative networks", "014020010."), ("None", "412123226."),
    ]),
    ask(Ml, MultipleOther, "language methods", "Which methods for texts do you use?", &[
        ("Word vectors", "046120121."), ("Sequence to sequence", "025010010."), ("Context vectors", "025010010."),
        ("Pretrained language models", "037120121."), ("None", "412133226."),
    ]),
    ask(Work, Ordered, "company size", "How many people work where you work?", &[
        ("0-49 people", "445533544."), ("50-249 people", "333332333."), ("250-999 people", "333233333."),
        ("1000-9,999 people", "443344443."), ("10,000 or more people", "443233454."),
    ]),
    ask(Work, Ordered, "team size", "How many of your colleagues do data work?", &[
        ("Nobody", "310422411."), ("1-2", "443444434."), ("3-4", "333222333."), ("5-9", "344222334."),
        ("10-14", "222111222."), ("15-19", "111011111."), ("20+", "355122466."),
    ]),
    ask(Work, Single, "use of ML at work", "Does your employer use machine learning?", &[
        ("No, it does not", "610543541."), ("It is being explored", "443433433."), ("For insights, not in production", "331122223."),
        ("In production for under two years", "146211243."), ("In production for over two years", "147211253."),
        ("I do not know", "310322411."),
    ]),
    ask(Work, Ordered, "yearly pay", "What is your yearly pay, in US dollars?", &[
        ("0-999", "422443324."), ("1,000-4,999", "322322224."), ("5,000-9,999", "332222234."),
        ("10,000-19,999", "333332334."), ("20,000-39,999", "333332333."), ("40,000-59,999", "333233333."),
        ("60,000-79,999", "333333333."), ("80,000-99,999", "233222332."), ("100,000-149,999", "255323451."),
        ("150,000-199,999", "143212231."), ("200,000 or more", "132101221."),
    ]),
    ask(Work, MultipleOther, "work activities", "Which activities are an important part of your work?", &[
        ("Analyse data to influence decisions", "974237734."), ("Build or run data infrastructure", "222301193."),
        ("Build prototypes with machine learning", "178222224."), ("Build or run a machine learning service", "049200133."),
        ("Improve existing models by experiment", "067231113."), ("Research that advances the state of the art", "027082012."),
        ("None of these", "201412411."),
    ]),
    ask(Work, Ordered, "spending on ML", "What has your team spent on machine learning in the cloud in five years, in US dollars?", &[
        ("Nothing", "732766734."), ("1-99", "222222224."), ("100-999", "233222234."), ("1,000-9,999", "145222333."),
        ("10,000-99,999", "144111343."), ("100,000 or more", "133101241."),
    ]),
    ask(Cloud, MultipleOther, "cloud platforms", "Which cloud platforms do you use regularly?", &[
        ("Amazon Web Services", "256411283."), ("Microsoft Azure", "234311663."), ("Google Cloud Platform", "245311353."),
        ("IBM Cloud", "011100111."), ("Oracle Cloud", "001100120."), ("SAP Cloud", "000000310."),
        ("Salesforce Cloud", "100000400."), ("VMware Cloud", "000100020."), ("Alibaba Cloud", "001110010."),
        ("Tencent Cloud", "001010000."), ("None", "622587417."),
    ]),
    ask(Cloud, MultipleOther, "cloud computing", "Which cloud products for computing do you use?", &[
        ("EC2", "146301172."), ("Lambda", "023300151."), ("Elastic Beanstalk", "001100021."),
        ("Azure virtual machines", "123200241."), ("Azure Functions", "012100121."), ("Azure containers", "012100021."),
        ("Compute Engine", "134200142."), ("Cloud Functions", "012200131."), ("App Engine", "012200021."),
        ("Cloud Run", "002100121."), ("None", "522476427."),
    ]),
    ask(Cloud, MultipleOther, "cloud ML", "Which cloud products for machine learning do you use?", &[
        ("SageMaker", "046000132."), ("Forecast", "011000010."), ("Rekognition", "003100011."),
        ("Azure Machine Learning", "134100232."), ("Azure Cognitive Services", "012100121."),
        ("Vertex AI", "024000122."), ("Cloud Vision", "013100011."), ("Cloud Natural Language", "012000011."),
        ("None", "733687758."),
    ]),
    ask(Cloud, MultipleOther, "databases", "Which databases and warehouses do you use?", &[
        ("MySQL", "424611263."), ("PostgreSQL", "345511162."), ("SQLite", "124411134."), ("Oracle Database", "311300341."),
        ("MongoDB", "123500142."), ("Snowflake", "120001141."), ("IBM Db2", "100100120."),
        ("Microsoft SQL Server", "532401372."), ("Microsoft Access", "300002300."), ("Redshift", "131000151."),
        ("Athena", "121000141."), ("DynamoDB", "012200031."), ("BigQuery", "233101252."), ("Bigtable", "001000021."),
        ("Firestore", "001200011."), ("None", "222365625."),
    ]),
    ask(Tools, Single, "database most used", "Which of these do you use most?", &[
        ("MySQL", "412511242."), ("PostgreSQL", "223411132."), ("SQLite", "012211011."), ("Oracle Database", "211100231."),
        ("MongoDB", "011200021."), ("Snowflake", "110000121."), ("Microsoft SQL Server", "411201352."),
        ("Redshift", "121000131."), ("BigQuery", "122000142."), ("None of these", "333456423."),
    ]),
    ask(Tools, MultipleOther, "BI tools", "Which tools for dashboards do you use?", &[
        ("Tableau", "741023431."), ("Power BI", "720012831."), ("QuickSight", "010000110."), ("Data Studio", "310001321."),
        ("Looker", "210000221."), ("Qlik", "200000210."), ("Domo", "100000100."), ("TIBCO Spotfire", "100000100."),
        ("Alteryx", "200001200."), ("SAP Analytics", "100000410."), ("Salesforce", "100000500."), ("Sisense", "000000100."),
        ("None", "157875265."),
    ]),
    ask(Tools, Single, "BI tool most used", "Which tool for dashboards do you use most?", &[
        ("Tableau", "621013521."), ("Power BI", "610012621."), ("QuickSight", "000000010."), ("Data Studio", "200001221."),
        ("Looker", "110000121."), ("Qlik", "100000110."), ("Salesforce", "000000200."), ("None of these", "258876364."),
    ]),
    ask(Tools, Single, "main analysis tool", "What is the main tool with which you analyse data?", &[
        ("Spreadsheets", "701236812."), ("Statistical software (SPSS, SAS)", "100047101."),
        ("Dashboards", "420001420."), ("A local development environment", "398863156."),
        ("Cloud software", "022100143."), ("Other", "101211211."),
    ]),
    ask(Tools, MultipleOther, "automated ML", "Which kinds of automated machine learning do you use?", &[
        ("Data augmentation", "024020011."), ("Feature engineering", "132011111."), ("Model selection", "143011111."),
        ("Architecture search", "002010000."), ("Hyperparameter tuning", "044011111."), ("Full pipelines", "122000121."),
        ("None", "544766657."),
    ]),
    ask(Tools, MultipleOther, "automated ML products", "Which products for automated machine learning do you use?", &[
        ("Google Cloud AutoML", "022000121."), ("H2O Driverless AI", "011000110."), ("Databricks AutoML", "010000020."),
        ("DataRobot", "010000110."), ("Tpot", "011010000."), ("Auto-Keras", "013010000."), ("Auto-sklearn", "132011011."),
        ("Auto_ml", "011000010."), ("Xcessiv", "000000000."), ("MLbox", "000000000."), ("None", "544766658."),
    ]),
    ask(Tools, MultipleOther, "experiment tracking", "Which tools for managing experiments do you use?", &[
        ("Neptune", "001000000."), ("Weights & Biases", "014020010."), ("Comet", "001000000."),
        ("Sacred", "001010000."), ("TensorBoard", "027130011."), ("Guild", "000000000."), ("Polyaxon", "000000000."),
        ("ClearML", "001000010."), ("Domino", "010000010."), ("MLflow", "145000142."), ("None", "743676757."),
    ]),
    ask(Tools, MultipleOther, "big data tools", "Which tools for large tables do you use?", &[
        ("Spark", "144100182."), ("Hadoop or Hive", "122100161."), ("Kafka", "012300162."), ("Airflow", "133100162."),
        ("dbt", "120000141."), ("Flink", "000100031."), ("Kubernetes", "025400152."), ("Docker", "158711163."),
        ("Terraform", "002200141."), ("None", "622387617."),
    ]),
    ask(Tools, MultipleOther, "sharing", "Where do you share or deploy your analyses?", &[
        ("GitHub", "3565423467"), ("Kaggle", "1332101163"), ("Colab", "1231201113"), ("Streamlit", "0341101211"),
        ("Plotly Dash", "1210100110"), ("A personal blog", "1121211111"), ("Shiny", "1200230000"), ("None: I do not share", "5335556543"),
    ]),
    ask(Learn, MultipleOther, "courses", "On which platforms have you taken courses?", &[
        ("Coursera", "5675443486"), ("edX", "3333333322"), ("Kaggle courses", "2432112274"), ("DataCamp", "4522251373"),
        ("Fast.ai", "0241201111"), ("Udacity", "2344112222"), ("Udemy", "5545122565"), ("LinkedIn Learning", "3222127322"),
        ("Certificates of cloud providers", "1121001251"), ("University courses", "3444553325"), ("None", "2112221222"),
    ]),
    ask(Learn, MultipleOther, "reading", "Which media inform you about data?", &[
        ("Newsletters", "3443227332"), ("Reddit", "1342211212"), ("Forums of Kaggle", "2442103223"), ("Course forums", "2222112263"),
        ("YouTube channels", "4454221486"), ("Podcasts", "2333116322"), ("Blogs", "4664445543"), ("Journals", "1351764113"),
        ("Slack groups", "0232112221"), ("None", "2112221222"),
    ]),
    ask(Learn, MultipleOther, "plans to learn", "What do you hope to become familiar with in two years?", &[
        ("Cloud platforms", "4343335556"), ("Neural networks", "4545422447"), ("Large language models", "2362212336"),
        ("Automated machine learning", "4443224445"), ("Dashboards", "3112224313"), ("Databases", "4213234325"),
        ("Experiment tracking", "2454211334"), ("Statistics", "5433354325"), ("Software engineering", "2434211235"),
        ("None", "1112321120"),
    ]),
    ask(Learn, MultipleOther, "plans in the cloud", "Which products in the cloud do you hope to learn in two years?", &[
        ("Amazon Web Services", "3443223455"), ("Microsoft Azure", "3333223444"), ("Google Cloud Platform", "3443223455"),
        ("Databases in the cloud", "2222113434"), ("Machine learning in the cloud", "3554322346"),
        ("Dashboards in the cloud", "3211124324"), ("None", "3333555334"),
    ]),
    ask(Work, Multiple, "kinds of data", "Which kinds of data do you work with?", &[
        ("Tables", "886658875."), ("Texts", "247232233."), ("Images", "028130112."), ("Video", "013110010."),
        ("Sound", "013110000."), ("Time series", "465255343."), ("Logs", "222501172."), ("Maps", "222132222."),
        ("Sensor readings", "023231132."), ("Genomes", "010032000."),
    ]),
    ask(Work, Multiple, "obstacles", "What keeps you from working better?", &[
        ("Dirty data", "776456655."), ("Lack of data", "344444334."), ("Lack of time", "444444544."),
        ("Lack of skilled colleagues", "433233533."), ("Lack of computing power", "125241123."),
        ("No support by managers", "443222333."), ("Unclear questions", "553222433."), ("Privacy rules", "332233443."),
        ("Results are not used", "542233322."), ("None", "111211111."),
    ]),
    ask(Work, Single, "industry", "In which industry do you work?", &[
        ("Software", "246711252."), ("Education", "212165213."), ("Banking and insurance", "543214543."),
        ("Health", "322235223."), ("Trade", "432112433."), ("Manufacturing", "333223333."), ("Government", "311145222."),
        ("Energy", "222122222."), ("Media", "222211222."), ("Telecommunications", "222211232."), ("Other", "333334333."),
    ]),
    ask(Tools, MultipleOther, "statistics packages", "Which packages for statistics do you use?", &[
        ("Excel", "933247914."), ("SPSS", "200026201."), ("SAS", "200015200."), ("Stata", "100015000."),
        ("Minitab", "100003100."), ("JMP", "100003000."), ("Statsmodels", "264133022."), ("SciPy", "256251023."),
        ("Stan or PyMC", "021034000."), ("None", "011321121."),
    ]),
    ask(Tools, MultipleOther, "serving models", "How do you put models or reports to use?", &[
        ("As a service on the web", "036300132."), ("In batches at night", "244100153."), ("On phones or devices", "004210011."),
        ("As a dashboard", "631013632."), ("As a spreadsheet", "610025802."), ("As a paper or report", "432376423."),
        ("ONNX", "003110000."), ("Triton or TorchServe", "004000010."), ("BentoML", "011000000."), ("None", "201322225."),
    ]),
    ask(Cloud, MultipleOther, "cloud storage", "Which cloud products for storage do you use?", &[
        ("S3", "256311182."), ("EFS", "001100031."), ("Azure Blob Storage", "123200251."), ("Azure Data Lake", "122000251."),
        ("Cloud Storage", "134211142."), ("Filestore", "001000011."), ("OneDrive", "311123811."), ("None", "622465226."),
    ]),
    ask(Ml, MultipleOther, "explaining models", "How do you explain what a model does?", &[
        ("Coefficients", "364156222."), ("Importance of features", "275243323."), ("SHAP", "064120111."),
        ("LIME", "033110011."), ("Partial dependence", "042133110."), ("Saliency maps", "014130000."),
        ("Surrogate trees", "021021110."), ("None", "512323635."),
    ]),
    ask(Tools, MultipleOther, "working together", "With which tools do you work together with colleagues?", &[
        ("Git", "468942084."), ("GitLab", "124511152."), ("Bitbucket", "012300131."), ("SVN", "000200010."),
        ("Shared folders", "532135722."), ("Jira", "223500742."), ("Confluence", "222300632."), ("Trello", "211200511."),
        ("Notion", "112211211."), ("Slack or Teams", "555623863."), ("None", "211122115."),
    ]),
];
